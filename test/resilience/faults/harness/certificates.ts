// Certificates for a collector's TLS, made on the spot: good, and wrong in three ways.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

interface Certificate {
  readonly key: Buffer;
  readonly cert: Buffer;
}

/** The good one, those that are wrong, and the file of the authority that signed all but the self-signed one. */
export type Certificates = Readonly<Record<'good' | 'self-signed' | 'expired' | 'wrong host', Certificate>> & {
  readonly authority: string;
};

/** @param folder Where their files go. */
export async function certificates(folder: string): Promise<Certificates> {
  const openssl = (...args: string[]) => promisify(execFile)('openssl', args, { cwd: folder });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=test'];
  const name = (host: string): string[] => ['-addext', `subjectAltName=DNS:${host}`];
  const read = (file: string): Certificate => ({
    key: readFileSync(join(folder, `${file}.key`)),
    cert: readFileSync(join(folder, `${file}.pem`)),
  });
  const signed = async (file: string, host: string, days: string): Promise<Certificate> => {
    await openssl('req', ...key, ...name(host), '-keyout', `${file}.key`, '-out', `${file}.csr`);
    const authority = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-set_serial', '1', '-copy_extensions', 'copy'];
    await openssl('x509', '-req', '-in', `${file}.csr`, ...authority, '-days', days, '-out', `${file}.pem`);
    return read(file);
  };
  await openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem');
  await openssl('req', '-x509', ...key, ...name('localhost'), '-keyout', 'self.key', '-out', 'self.pem');
  return {
    authority: join(folder, 'ca.pem'),
    good: await signed('good', 'localhost', '1'),
    'self-signed': read('self'),
    expired: await signed('expired', 'localhost', '-1'),
    'wrong host': await signed('other', 'other.test', '1'),
  };
}
