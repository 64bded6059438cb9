// Runs `snowplow-middleware types` in a folder of its own.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

export const CLI = resolve('dist/cli/main.js');
const META = 'http://iglucentral.com/schemas/com.snowplowanalytics.self-desc/schema/jsonschema/1-0-0#';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder with files, and the command run in it; the caller removes it. */
export class Workshop {
  readonly folder = mkdtempSync(join(tmpdir(), 'types-cli-'));

  write(path: string, content: unknown): void {
    const file = join(this.folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content, null, 2));
  }

  read(path: string): string {
    return readFileSync(join(this.folder, path), 'utf8');
  }

  run(args: readonly string[], env: Readonly<Record<string, string>> = {}, cli = CLI): Promise<Outcome> {
    return new Promise((done) => {
      const options = { cwd: this.folder, env: { ...process.env, ...env } };
      const child = execFile(process.execPath, [cli, 'types', ...args], options, (_error, stdout, stderr) =>
        done({ code: child.exitCode ?? -1, stdout, stderr }),
      );
    });
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A self-describing schema of com.acme, which takes its properties alone. */
export const schemaOf = (name: string, version = '1-0-0', properties: object = { id: { type: 'string' } }) => ({
  $schema: META,
  self: { vendor: 'com.acme', name, format: 'jsonschema', version },
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});
