// Adapter contract: the public address of a page, with and without a proxy.
import { request } from 'node:http';
import { expect, it } from 'vitest';
import type { World } from './adapter-world';

const PROXIED = { 'x-forwarded-proto': 'https' };
/** What a proxy that is trusted says, and the page's origin by it. */
const TRUSTED: readonly (readonly [host: string, forwarded: string, origin: string])[] = [
  ['10.0.0.5:3000', 'shop.example:8443', 'https://shop.example:8443'],
  ['10.0.0.5:3000', 'shop.example', 'https://shop.example'],
  ['shop.example:3000', 'shop.example', 'https://shop.example'],
  ['shop.example:3000', 'shop.example:8443', 'https://shop.example:8443'],
  ['shop.example', 'shop.example:8443', 'https://shop.example:8443'],
  ['10.0.0.5:3000', 'shop.example:', 'https://shop.example'],
  ['[::1]:3000', '[2001:db8::1]:8443', 'https://[2001:db8::1]:8443'],
  ['[2001:db8::1]:3000', '[2001:db8::1]', 'https://[2001:db8::1]'],
  ['shop.example:3000', '', 'https://shop.example:3000'],
];
/** The same where no proxy is trusted. */
const OWN: readonly (readonly [host: string, origin: string])[] = [
  ['shop.example:3000', 'http://shop.example:3000'],
  ['shop.example', 'http://shop.example'],
  ['shop.example:', 'http://shop.example'],
  ['[::1]:3000', 'http://[::1]:3000'],
  ['[::1]:', 'http://[::1]'],
  ['[::1]', 'http://[::1]'],
];

export function testHosts(world: World): void {
  /** Starts an app that tracks at once, or when all is over; asks it with each of the headers. */
  const origins = async (trust: unknown, late: boolean, requests: readonly Record<string, string>[]): Promise<unknown[]> => {
    const track = ({ tracker, query }: Parameters<Parameters<World['start']>[0]>[0]): unknown =>
      tracker.trackStructEvent({ category: 'shop', action: 'look', label: query.get('n') as string });
    await world.start(
      (call) => {
        if (late) call.raw.res.on('close', () => track(call));
        else track(call);
        return call.send(200, 'ok');
      },
      {},
      { trust },
    );
    for (const [n, headers] of requests.entries()) await world.get(`/r/a?n=${n}`, headers);
    const events = await world.events();
    return requests.map((_, n) => events.find(({ se_la }) => se_la === String(n))?.['url']?.replace(`/r/a?n=${n}`, ''));
  }; // prettier-ignore

  it.each([
    ['at once', false],
    ['after the answer', true],
  ])("takes host, port and protocol from a proxy that the framework trusts, %s", async (_when, late) => {
    const [trusting, entry] = world.adapter.trusting;
    const listed = ['first.example:8443', 'last.example:9443'] as const;
    const requests = TRUSTED.map(([host, forwarded]) => ({ host, 'x-forwarded-host': forwarded, ...PROXIED }));
    const list = { host: '10.0.0.5:3000', 'x-forwarded-host': listed.join(' , '), ...PROXIED };
    expect(await origins(trusting, late, [...requests, list])).toEqual([
      ...TRUSTED.map(([, , origin]) => origin),
      `https://${entry === 'first' ? listed[0] : listed[1]}`,
    ]);
  }); // prettier-ignore

  it.each([
    ['at once', false],
    ['after the answer', true],
  ])('takes host and port from the request where no proxy is trusted, %s', async (_when, late) => {
    const forged = { 'x-forwarded-host': 'shop.example:8443', ...PROXIED };
    const requests = OWN.flatMap(([host]) => [{ host }, { host, ...forged }]);
    expect(await origins(undefined, late, requests)).toEqual(OWN.flatMap(([, origin]) => [origin, origin]));
  });

  it('sends no page for a request without one', async () => {
    await world.start((call) => call.send(200, 'ok'), { pageViews: () => true });
    await new Promise<void>((resolve, reject) => {
      const { hostname: host, port } = new URL(world.url);
      request({ host, port, method: 'OPTIONS', path: '*' }, (response) => response.resume().on('end', resolve))
        .on('error', reject)
        .end();
    });
    const [event, ...others] = await world.events();
    expect(event).toMatchObject({ e: 'pv', ip: '127.0.0.1' });
    expect(event).not.toHaveProperty('url');
    expect(others).toEqual([]);
  });
}
