// The formats of draft-04 schemas, as the pipeline's validator reads them. An unknown format is not an error.
import { isIPv4, isIPv6 } from 'node:net';
import { isUuid } from '../../core/contracts';
import { emailCheck } from '../fields/email';

const DATE = /^(-?\d{4}|[+-]\d{5,9})-(\d\d)-(\d\d)$/;
const TIME = /^\d\d:\d\d:\d\d(?:\.\d+)?$/;
// RFC 3339, with optional seconds.
const DATE_TIME =
  /^(\d{4}-\d\d-\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.\d{0,9})?)?(?:[Zz]|(?!-00:00)([+-])(\d\d):([0-5]\d))$/;
const LAST_OFFSET = 18 * 60;
const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const HOST = new RegExp(`^(?=.{1,255}$)${LABEL}(?:\\.${LABEL})*$`, 'i');
// RFC 3986, in ASCII. In an authority only the characters are checked, and in an escape only the percent sign.
const SAFE = "A-Za-z0-9\\-._~!$&'()*+,;=:@%";
const ABSOLUTE_URI = new RegExp(
  `^[A-Za-z][A-Za-z0-9+.\\-]*:(?://[${SAFE}[\\]]*(?=[/?#]|$))?[${SAFE}/]*(?:\\?[${SAFE}/?]*)?(?:#[${SAFE}/?]*)?$`,
);

/** Makes the checks. @param topLevelDomains The names in which an e-mail address may end. */
export const formats = (topLevelDomains: readonly string[]): Readonly<Record<string, (value: string) => boolean>> => ({
  'date-time': isDateTime,
  date: isDate,
  time: (value) => TIME.test(value),
  uri: (value) => ABSOLUTE_URI.test(value),
  uuid: isUuid,
  email: emailCheck(topLevelDomains),
  hostname: (value) => HOST.test(value),
  ipv4: isIPv4,
  ipv6: (value) => isIPv6(value) && !value.includes('%'),
});

function isDate(value: string): boolean {
  const [, year, month, day] = DATE.exec(value) ?? [];
  // The calendar repeats every 400 years; day 0 of a month is the last day of the previous month.
  return (
    Number(month) >= 1 &&
    Number(month) <= 12 &&
    Number(day) >= 1 &&
    Number(day) <= new Date(Date.UTC(2000 + (Number(year) % 400), Number(month), 0)).getUTCDate()
  );
}

function isDateTime(value: string): boolean {
  const [, date = '', hour, minute, second = '0', sign, hours = '0', minutes = '0'] = DATE_TIME.exec(value) ?? [];
  const offset = Number(`${sign ?? '+'}1`) * (Number(hours) * 60 + Number(minutes));
  if (!isDate(date) || Number(hour) > 23 || Number(minute) > 59 || Math.abs(offset) > LAST_OFFSET) return false;
  if (Number(second) < 60) return true;
  // A leap second is the last one of June or of December, in UTC.
  const next = new Date(Date.parse(`${date}T${hour}:${minute}:00Z`) + (1 - offset) * 60_000).toISOString();
  return second === '60' && /-0[17]-01T00:00:00.000Z$/.test(next);
}
