// The forms of an address, and texts that are not addresses.
import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fields } from '../../support/request-fields';

describe('ip', () => {
  it.each([
    ['an IPv4 address', '203.0.113.9', '203.0.113.9', '203.0.113.0'],
    ['with a port', '203.0.113.9:51234', '203.0.113.9', '203.0.113.0'],
    ['IPv4 inside IPv6, as dual-stack sockets have it', '::ffff:203.0.113.9', '203.0.113.9', '203.0.113.0'],
    ['the same in upper case', '::FFFF:203.0.113.9', '203.0.113.9', '203.0.113.0'],
    ['an upper-case IPv6 address', '2001:DB8:AB:CD::1', '2001:db8:ab:cd::1', '2001:db8:ab::'],
    ['with brackets and port', '[2001:db8::1]:443', '2001:db8::1', '2001:db8:0::'],
    ['with brackets alone', '[::1]', '::1', '0:0:0::'],
    ['with a zone', 'fe80::1%eth0', 'fe80::1', 'fe80:0:0::'],
    ['with zone, brackets and port', '[fe80::1%25eth0]:80', 'fe80::1', 'fe80:0:0::'],
    ['seven groups behind the gap', '::2:3:4:5:6:7:8', '::2:3:4:5:6:7:8', '0:2:3::'],
    ['a dotted end', '64:ff9b::203.0.113.9', '64:ff9b::203.0.113.9', '64:ff9b:0::'],
    ['a dotted end behind six groups', '::2:3:4:5:6:1.2.3.4', '::2:3:4:5:6:1.2.3.4', '0:2:3::'],
  ])('brings the forms of an address to one, masked to its network on wish: %s', (_, ip, plain, masked) => {
    expect(fields({ ip }).ip).toBe(plain);
    expect(fields({ ip }, { maskIp: true }).ip).toBe(masked);
    expect(isIP(masked)).not.toBe(0);
  });

  it.each([
    '', 'unknown', '<script>alert(1)</script>', '203.0.113.256', '203.0.113.9, 6.6.6.6', '203.0.113.9:port', '203.0.113.9:',
    '[203.0.113.9]', '[::1', '[::1]x', '::1]', '203.0.113.9%eth0', '%', '[]', ':', 'localhost:80', '1::2::3', '127.1', `fe80::1%${'x'.repeat(16_000)}`,
  ])('takes no garbage for an address, though frameworks hand over a spoofed header unchecked: %s', (ip) => {
    expect(fields({ ip })).not.toHaveProperty('ip');
    expect(fields({ ip }, { maskIp: true })).not.toHaveProperty('ip');
  }); // prettier-ignore

  it('gives a valid address or none for any text, and never the full address if masked', () => {
    const piece = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('[', ']', ':', '%', '.', '::', 'ffff'), fc.string());
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 4 }), (pieces) => {
        const ip = pieces.join('');
        const plain = fields({ ip }).ip;
        const masked = fields({ ip }, { maskIp: true }).ip;
        expect(plain === undefined || isIP(plain) > 0).toBe(true);
        expect(masked === undefined).toBe(plain === undefined);
        expect(masked ?? '0.0.0.0').toMatch(/\.0$|^[\da-f]+:[\da-f]+:[\da-f]+::$/);
      }),
    );
  });
});
