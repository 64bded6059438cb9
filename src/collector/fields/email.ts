// Checks e-mail addresses like commons-validator, which the pipeline uses: the domain must end in a top-level domain.
import { isIP } from 'node:net';
import { domainToASCII, domainToUnicode } from 'node:url';

const WORD = '(?:[^\\s\\p{Cc}()<>@,;:\\\\".[\\]]+|"[^"]*")';
const USER = new RegExp(`^${WORD}(?:\\.${WORD})*$`, 'u');
const LONGEST_USER = 64;
const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const DOMAIN = new RegExp(`^(?:${LABEL}\\.)+(${LABEL})$`, 'i');
const LONGEST_DOMAIN = 253;

/** Makes the check. @param topLevelDomains All top-level domains, those of other scripts in Unicode. */
export function emailCheck(topLevelDomains: readonly string[]): (value: string) => boolean {
  const known = new Set(topLevelDomains);
  return (value) => {
    const at = value.lastIndexOf('@');
    const user = value.slice(0, Math.max(at, 0));
    return user.length <= LONGEST_USER && USER.test(user) && isDomain(value.slice(at + 1), known);
  };
}

function isDomain(text: string, known: ReadonlySet<string>): boolean {
  if (text.startsWith('[') && text.endsWith(']')) return isIP(text.slice(1, -1)) > 0;
  const domain = /[^\0-\x7f]/.test(text) ? domainToASCII(text) : text;
  const [, top] = DOMAIN.exec(domain) ?? [];
  return top !== undefined && domain.length <= LONGEST_DOMAIN && known.has(domainToUnicode(top.toLowerCase()));
}
