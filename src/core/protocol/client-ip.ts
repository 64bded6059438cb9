// The visitor's address as the framework decided it, brought to one plain form, masked where asked for; anything else is left out.
import { isIPv4, isIPv6 } from 'node:net';

// `[` + 45 characters of IPv6 + zone + `]:65535`, with room; anything longer is no address.
const LONGEST = 100;
const PORT = /^:\d{1,5}$/;
const MAPPED = '::ffff:';

/**
 * The plain form of an address: without brackets, port and zone, IPv4 out of its IPv6 wrapping, in lower case. Undefined when
 * it is none: frameworks hand over a forwarding header's text unchecked.
 *
 * @param masked Keeps the network only: 24 bits of IPv4, 48 bits of IPv6.
 * @example
 * clientIp('[2001:DB8::1]:443', false); // '2001:db8::1'
 * clientIp('::ffff:203.0.113.9', true); // '203.0.113.0'
 */
export function clientIp(raw: string | undefined, masked: boolean): string | undefined {
  if (raw === undefined || raw.length > LONGEST) return undefined;
  const address = isIPv4(raw) ? raw : plainAddress(raw);
  return address !== undefined && masked ? network(address) : address;
}

function plainAddress(raw: string): string | undefined {
  const bracketed = raw.startsWith('[');
  const end = bracketed ? raw.indexOf(']') : raw.includes('.') ? onlyColon(raw) : raw.length;
  const port = raw.slice(bracketed ? end + 1 : end);
  if (end < 0 || (port !== '' && !PORT.test(port))) return undefined;
  const address = raw.slice(bracketed ? 1 : 0, end).toLowerCase();
  if (isIPv4(address)) return bracketed ? undefined : address;
  const zone = address.indexOf('%');
  const v6 = zone < 0 ? address : address.slice(0, zone);
  if (!isIPv6(v6)) return undefined;
  return v6.startsWith(MAPPED) && isIPv4(v6.slice(MAPPED.length)) ? v6.slice(MAPPED.length) : v6;
}

/** Where the port of `1.2.3.4:80` starts; the end of a text with several colons, which are IPv6's own. */
function onlyColon(raw: string): number {
  const colon = raw.indexOf(':');
  return colon >= 0 && colon === raw.lastIndexOf(':') ? colon : raw.length;
}

function network(address: string): string {
  if (isIPv4(address)) return `${address.slice(0, address.lastIndexOf('.'))}.0`;
  const [head = '', tail] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  if (left.length < 3 && tail !== undefined) {
    const right = tail === '' ? [] : tail.split(':');
    // A dotted end stands for two groups.
    const zeros = 8 - left.length - right.length - (address.includes('.') ? 1 : 0);
    left.push(...Array<string>(zeros).fill('0'), ...right);
  }
  return `${left.slice(0, 3).join(':')}::`;
}
