// The contract of every framework's middleware: one suite of behaviours, run on each framework from outside.
import { afterEach, beforeEach, describe } from 'vitest';
import { testHosts } from './adapter-hosts';
import { testHttp2 } from './adapter-http2';
import { testInjected } from './adapter-injected';
import { testLifecycle } from './adapter-lifecycle';
import { testPageViews } from './adapter-page-views';
import { testScope } from './adapter-scope';
import { testScopeEnd } from './adapter-scope-end';
import { testVisitor } from './adapter-visitor';
import { type Adapter, World } from './adapter-world';

/** Runs the whole contract on a framework. */
export function testAdapter(name: string, adapter: Adapter): void {
  describe(`the ${name} middleware`, () => {
    const world = new World(adapter);
    beforeEach(() => world.begin());
    afterEach(() => world.end());
    testVisitor(world);
    testHosts(world);
    testScope(world);
    testScopeEnd(world);
    testPageViews(world);
    testLifecycle(world);
    if (adapter.http2) testHttp2(world);
    testInjected(world);
  });
}
