// Certificates for a collector's TLS, made when first asked for: good, and wrong in three ways.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Certificate {
  readonly key: Buffer;
  readonly cert: Buffer;
}

/** The good one, those that are wrong, and the file of the authority that signed all but the self-signed one. */
export type Certificates = Readonly<Record<'good' | 'self-signed' | 'expired' | 'wrong host', Certificate>> & {
  readonly authority: string;
};

let made: Certificates | undefined;

export function certificates(): Certificates {
  if (made) return made;
  const folder = mkdtempSync(join(tmpdir(), 'faults-tls-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const openssl = (...args: string[]): Buffer => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=test'];
  const name = (host: string): string[] => ['-addext', `subjectAltName=DNS:${host}`];
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem');

  const signed = (file: string, host: string, days: string): Certificate => {
    openssl('req', ...key, ...name(host), '-keyout', `${file}.key`, '-out', `${file}.csr`);
    const authority = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-copy_extensions', 'copy'];
    openssl('x509', '-req', '-in', `${file}.csr`, ...authority, '-days', days, '-out', `${file}.pem`);
    return read(file);
  };
  const read = (file: string): Certificate => ({
    key: readFileSync(join(folder, `${file}.key`)),
    cert: readFileSync(join(folder, `${file}.pem`)),
  });
  openssl('req', '-x509', ...key, ...name('localhost'), '-keyout', 'self.key', '-out', 'self.pem');
  return (made = {
    authority: join(folder, 'ca.pem'),
    good: signed('good', 'localhost', '1'),
    'self-signed': read('self'),
    expired: signed('expired', 'localhost', '-1'),
    'wrong host': signed('other', 'other.test', '1'),
  });
}
