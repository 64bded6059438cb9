// The event that the README explains is the one that its quick start sends, and docs/events.md has every event.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startCollector } from '../../../src/collector';
import { Tracking } from '../../../src/core/tracker/tracking';
import { snowplow } from '../../../src/express';
import * as main from '../../../src/index';
import { textOf } from './blocks';

/** The fields that the table names: some with their value. */
function shownFields(): Map<string, string | undefined> {
  const [, table = ''] = /<!-- event: express -->\n+((?:\|.*\n)+)/.exec(textOf('README.md')) ?? [];
  const fields = [...table.matchAll(/`(\w+)(?:=([\w-]+))?`/g)];
  return new Map(fields.map(([, key, value]) => [key as string, value]));
}

it('the table of an event names its fields and values, and no other', async () => {
  const collector = await startCollector();
  const app = express();
  app.use(snowplow({ endpoint: collector.url, namespace: 'web', appId: 'shop', emitter: { batchSize: 1 } }));
  app.get('/basket', (req, res) => {
    req.tracker.trackStructEvent({ category: 'shop', action: 'add-to-basket', label: 'pcs', value: 2 });
    res.send('ok');
  });
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await collector.close();
  });
  const id = '6f1c2b7e-3a50-4d0e-9a51-0f4f6f7f1a11';
  const headers = {
    'accept-language': 'et',
    referer: 'https://acme.com/',
    cookie: `_sp_id.1fff=${id}.1.1.1.1.; sp=${id}`,
  };
  await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/basket`, { headers });

  const [event] = await collector.waitFor({ event: 'struct' });
  const shown = shownFields();
  expect([...shown.keys()].sort()).toEqual(Object.keys(event!.payload).sort());
  const values = [...shown].filter(([, value]) => value !== undefined);
  expect(event!.payload).toMatchObject(Object.fromEntries(values));
});

describe('docs/events.md', () => {
  const text = textOf('docs/events.md');
  const methods = Object.getOwnPropertyNames(Tracking.prototype).filter((name) => /^track[A-Z]/.test(name));

  it.each(methods)('has %s in its table, beside its builder', (method) => {
    const [, builder = ''] = new RegExp(`^\\| [^|]*\`${method}\`[^|]*\\| \`(\\w+)\``, 'm').exec(text) ?? [];
    expect(main).toHaveProperty(builder, expect.any(Function));
  });

  it.each(methods.filter((method) => method !== 'trackUnstructEvent'))('shows how to call %s', (method) => {
    expect(text).toContain(`.${method}(`);
  });
});
