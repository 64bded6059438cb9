// Our decorators together with others: what others have written on a class or a handler is still found, and works.
import * as common from '@nestjs/common';
import { NestFactory, Reflector } from '@nestjs/core';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { startCollector } from '../../../src/collector';
import * as snowplow from '../../../src/nest';
import { ADAPTERS, type MakeAdapter } from './app';

const { checkOthers } = createRequire(__filename)('../../package/matrix/apps/nest/others.cjs') as {
  checkOthers: (nest: object, collector: typeof startCollector, makeAdapter: MakeAdapter) => Promise<void>;
};

describe.each(ADAPTERS)('decorators on %s', (_name, makeAdapter) => {
  it('change nothing that guards, interceptors, pipes and providers see of a controller, wherever they stand', () =>
    checkOthers({ ...common, NestFactory, Reflector, snowplow }, startCollector, makeAdapter));
});

describe('a decorator', () => {
  const track = snowplow.TrackStructEvent({ category: 'c', action: 'a' });

  it('goes on a method or a class alone', () => {
    const getter = Object.getOwnPropertyDescriptor({ get tea() { return 1; } }, 'tea'); // prettier-ignore
    for (const rest of [['tea', getter], ['tea', undefined], [{ kind: 'method' }, undefined]])
      expect(() => track(...([{}, ...rest] as unknown as Parameters<typeof track>))).toThrow(
        expect.objectContaining({ code: 'ERR_SNOWPLOW_CONFIG', option: '@TrackStructEvent' }),
      ); // prettier-ignore
  });

  it('leaves the lists of others alone: what is copied to a second method is not added to by the first', () => {
    class Shop {
      one(): void {}
      two(): void {}
    }
    const { one, two } = Shop.prototype;
    const declared = (method: object): unknown[] =>
      Reflect.getMetadataKeys(method)
        .filter((key) => String(key).startsWith('snowplow'))
        .flatMap((key) => Reflect.getMetadata(key, method) as unknown[]);
    const decorate = (name: 'one' | 'two'): void =>
      void track(Shop.prototype, name, Object.getOwnPropertyDescriptor(Shop.prototype, name) as never);
    decorate('one');
    for (const key of Reflect.getMetadataKeys(one)) Reflect.defineMetadata(key, Reflect.getMetadata(key, one), two);
    decorate('one');
    expect([declared(one).length, declared(two).length]).toEqual([2, 1]);
  });
});
