// The app's own code sets the endpoint once, and it cannot be made unsafe silently.
import { expect, it } from 'vitest';
import { ConfigError, Emitter } from '../../../src';
import { Ear } from './ear';

it.each([
  ['http://collector.acme.com', 1],
  ['http://127.0.0.1.acme.com', 1],
  ['http://collector.acme.com:443', 1],
  ['https://collector.acme.com', 0],
  ['collector.acme.com', 0],
  ['http://127.0.0.1:9090', 0],
  ['http://localhost:9090', 0],
  ['http://[::1]:9090', 0],
])('T21: %s is warned of %i times', async (endpoint, times) => {
  const ear = new Ear();
  const emitter = new Emitter({ endpoint, logger: ear.logger });
  expect(ear.heard.split('unencrypted')).toHaveLength(times + 1);
  await emitter.close();
});

it.each(['rejectUnauthorized', 'insecure', 'tls', 'ca', 'checkServerIdentity', 'followRedirects', 'maxRedirections'])(
  'T21, T22: there is no option %s',
  (option) => {
    const make = (): Emitter => new Emitter({ endpoint: 'collector.acme.com', [option]: false });
    expect(make).toThrow(ConfigError);
    expect(make).toThrow(`Emitter: Unknown option \`${option}\``);
  },
);
