// One plain request and its rules, and the fields that result from changing a fact or a rule.
import { type RequestFacts, requestFields, type RequestRules } from '../../src/core/request/request-fields';

export const DUID = '8e1f0a6e-6a0c-4f5e-9d0e-2b7c3c1d4e5f';
export const SID = '1c9b7d34-2f11-4a57-8a86-0b1e2d3c4f5a';
export const NETWORK = 'a1b2c3d4-e5f6-4789-8abc-def012345678';
export const COOKIE = `_sp_id.1fff=${DUID}.1700000000.7.1700000900..${SID}; _sp_ses.1fff=*; sp=${NETWORK}`;
export const WEB_TOKEN = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U';

export const FACTS: RequestFacts = {
  ip: '203.0.113.9',
  method: 'GET',
  protocol: 'https',
  host: 'shop.acme.com',
  originalUrl: '/tea',
  userAgent: 'Mozilla/5.0',
  acceptLanguage: 'et-EE,et;q=0.9,en;q=0.8',
  cookie: COOKIE,
  referrer: 'https://www.example.org/search?q=tea',
  dnt: undefined,
  gpc: undefined,
};
export const RULES: RequestRules = {
  cookieName: '_sp_',
  cookieDomain: undefined,
  cookiePath: undefined,
  origin: undefined,
  maskIp: false,
  redactQuery: [],
  redactUrl: undefined,
};
export const noHookError = (hook: string): never => {
  throw new Error(`unexpected report of ${hook}`);
};
export const fields = (facts: Partial<RequestFacts>, rules: Partial<RequestRules> = {}, anonymous = false) =>
  requestFields({ ...FACTS, ...facts }, { ...RULES, ...rules }, anonymous, noHookError);
export const urlOf = (originalUrl: string, rules: Partial<RequestRules> = {}) => fields({ originalUrl }, rules).url;
export const refrOf = (referrer: string) => fields({ referrer }).refr;
