// The formats that draft-04 schemas name, as checks: just enough of each for what events carry.
import { isIPv4, isIPv6 } from 'node:net';
import { isUuid } from '../core/contracts';

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const DATE_TIME = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:?\d{2})$/;
const TIME = /^\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:?\d{2})?$/;
const HOST = /^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63}){0,126}\.?$/i;

export const FORMATS: Readonly<Record<string, (value: string) => boolean>> = {
  'date-time': (value) => DATE_TIME.test(value) && !Number.isNaN(Date.parse(value)),
  date: (value) => DATE.test(value) && !Number.isNaN(Date.parse(value)),
  time: (value) => TIME.test(value),
  uri: (value) => URL.canParse(value),
  uuid: isUuid,
  email: (value) => {
    const at = value.lastIndexOf('@');
    return at > 0 && !/\s/.test(value) && HOST.test(value.slice(at + 1));
  },
  hostname: (value) => value.length <= 255 && HOST.test(value),
  ipv4: isIPv4,
  ipv6: isIPv6,
};
