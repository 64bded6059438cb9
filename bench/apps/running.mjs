// An application under test with its collector: started, used, and stopped again.
import { existsSync } from 'node:fs';
import { BESIDE, start, TESTED } from '../child.mjs';

/** The frameworks that this build has an entry point for. */
export const FRAMEWORKS = ['express', 'koa', 'nest'].filter((name) =>
  existsSync(new URL(`../../dist/${name}/index.js`, import.meta.url)),
);

/** @param use Is given the URL of the application's page, and the application's process. */
export async function withServer(framework, variant, use) {
  const sink = start('sink', {}, BESIDE);
  const collector = `http://127.0.0.1:${(await sink.next()).port}`;
  const server = start('server', { framework, variant, collector }, TESTED);
  try {
    return await use(`http://127.0.0.1:${(await server.next()).port}/tea`, server);
  } finally {
    await server.stop();
    await sink.stop();
  }
}
