// Redacts URLs: credentials in query and path, and a malformed cross-domain parameter, which would make the event bad.
import { isLinker, namesLinker } from './linker';
import { decode, decodeFully, memoise } from './page-url';

// Names are compared without case, separators and percent-encoding: `X-Amz-Security-Token` is `xamzsecuritytoken`.
const SECRET_PART =
  /token|passw|passphrase|secret|credential|signature|apikey|accesskey|privatekey|session|sessid|jwt|csrf|xsrf|captcha/;
const SECRET_NAMES: ReadonlySet<string> = new Set(
  (
    'auth authorization authorisation authcode authorizationcode authkey bearer assertion clientassertion ' +
    'code codeverifier oauthverifier oobcode verificationcode verifycode confirmationcode securitycode accesscode ' +
    'activationcode logincode resetcode recoverycode smscode devicecode onetimecode ' +
    'otp totp mfa mfacode pin passcode pass pwd pw ' +
    'key appkey activationkey resetkey secretkey sharedkey signingkey encryptionkey accountkey masterkey subscriptionkey ' +
    'sid sess connectsid cookie sig hmac samlresponse samlrequest samlart wresult ticket ' +
    'cardnumber ccnumber creditcard cvv cvc iban ssn'
  ).split(' '),
);
const MASK = 'redacted';

/**
 * Replaces web tokens and the values of secret parameters in a query, and leaves everything else byte-identical. `;` and `?` separate
 * parameters like `&`. A value that is itself a URL with a secret in it, at any depth, is replaced as a whole.
 *
 * `_sp`, the browser tracker's cross-domain parameter, is removed unless it is `<id>.<milliseconds>…`: the pipeline parses it from
 * every page URL and refuses the event if it cannot.
 *
 * @param names The user's own names of secret parameters, in addition to the built-in ones.
 * @example
 * redactQuery('q=tea&access_token=abc', []); // 'q=tea&access_token=redacted'
 */
export function redactQuery(given: string, names: readonly string[]): string {
  const query = maskWebTokens(given);
  const isSecret = secretsOf(names);
  let out = '';
  for (let start = 0, end: number; start < query.length; start = end + 1) {
    end = start;
    while (end < query.length && !isSeparator(query.charCodeAt(end))) end++;
    const parameter = query.slice(start, end);
    const equals = parameter.indexOf('=');
    const name = equals < 0 ? parameter : parameter.slice(0, equals);
    const value = equals < 0 ? '' : parameter.slice(equals + 1);
    if (namesLinker(name) && !isLinker(value)) {
      // Removes the separator after it too; at the end of the query, the one before it.
      if (end === query.length) out = out.slice(0, -1);
      continue;
    }
    if (equals < 0) out += hidesSecret(parameter, isSecret) ? MASK : parameter;
    else out += value !== '' && (isSecret(name) || hidesSecret(value, isSecret)) ? `${name}=${MASK}` : parameter;
    out += query.slice(end, end + 1);
  }
  return out;
}

/** Whether a path may hold something to redact. Few paths do. */
export const MAY_HOLD_SECRET = /[;%]|eyJ/;

/**
 * Replaces web tokens in a path, the values of secret `;name=value` parameters, in which Java servers write their session ids, and each
 * segment that is itself a URL with a secret in it. The caller tests {@link MAY_HOLD_SECRET} first.
 *
 * @example
 * redactPath('/cart;jsessionid=1A2B', []); // '/cart;jsessionid=redacted'
 */
export function redactPath(path: string, names: readonly string[]): string {
  const isSecret = secretsOf(names);
  return maskWebTokens(path)
    .replace(/;([^;/=]+)=([^;/]+)/g, (parameter, name: string) => (isSecret(name) ? `;${name}=${MASK}` : parameter))
    .replace(/[^/;]+/g, (segment) => (ESCAPED_URL.test(segment) && hidesSecret(segment, isSecret) ? MASK : segment));
}

/**
 * Whether a parameter of this name holds a credential.
 *
 * @example
 * isSecretName('X-Access-Token', []); // true
 */
export const isSecretName = (name: string, names: readonly string[]): boolean => secretsOf(names)(name);

// Matches only at the start of a run of its characters, so that no text is scanned twice.
const WEB_TOKEN = /(?<=^|[^\w-]|%[\da-fA-F]{2})eyJ[\w-]+\.[\w-]+\.[\w-]*/g;

/**
 * `text` without JSON web tokens, at any place.
 *
 * @example
 * maskWebTokens('/verify/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgN'); // '/verify/redacted'
 */
export function maskWebTokens(text: string): string {
  return text.includes('eyJ') ? text.replace(WEB_TOKEN, MASK) : text;
}

const isSeparator = (code: number): boolean => code === 0x26 || code === 0x3b || code === 0x3f; // & ; ?

function namesSecret(rawName: string, further: ReadonlySet<string>): boolean {
  const name = decode(rawName);
  const whole = normalise(name);
  if (SECRET_PART.test(whole) || isListed(whole, further)) return true;
  // Forms may write `pin` as `login[pin]` or `login.pin`.
  const last = /[[.]([^[\].]+)\]?$/.exec(name)?.[1];
  return last !== undefined && isListed(normalise(last), further);
}

// The bound avoids quadratic time for a name that consists of digits.
const isListed = (name: string, further: ReadonlySet<string>): boolean =>
  further.has(name) || SECRET_NAMES.has(name) || (name.length <= 40 && SECRET_NAMES.has(name.replace(/\d+$/, '')));

// An escaped `=` or `@`, perhaps escaped again.
const ESCAPED_URL = /%(?:%|25|3|40)/;
const USERINFO = /\/\/[^/?#@\s]+@/;

function hidesSecret(value: string, isSecret: (rawName: string) => boolean): boolean {
  if (!value.includes('=') && !value.includes('@') && !ESCAPED_URL.test(value)) return false;
  const decoded = decodeFully(value);
  if (decoded === undefined || USERINFO.test(decoded)) return true;
  return decoded.split(/[&;?#]/).some((parameter) => {
    const equals = parameter.indexOf('=');
    return equals > 0 && equals < parameter.length - 1 && isSecret(parameter.slice(0, equals));
  });
}

const PLAIN = /^[a-z\d]*$/;
function normalise(name: string): string {
  const lower = name.toLowerCase();
  return PLAIN.test(lower) ? lower : lower.replace(/[^\p{L}\p{N}]/gu, '');
}

// Names repeat from page to page. Longer ones are unusual and not worth the memory.
const LONGEST_KNOWN = 64;

// By the list of names in the options, which live as long as the middleware.
const deciders = new WeakMap<readonly string[], (rawName: string) => boolean>();
function secretsOf(names: readonly string[]): (rawName: string) => boolean {
  let isSecret = deciders.get(names);
  if (!isSecret) {
    const further = new Set(names.map(normalise));
    const decide = (rawName: string): boolean => namesSecret(rawName, further);
    const known = memoise(500, decide);
    isSecret = (rawName) => (rawName.length > LONGEST_KNOWN ? decide(rawName) : known(rawName));
    deciders.set(names, isSecret);
  }
  return isSecret;
}
