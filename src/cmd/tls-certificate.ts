import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { TlsKeys } from '../api/listen.ts';
import { BuilderFault, coerceError } from '../util/faults.ts';
import { run } from '../util/spawn.ts';

const DAYS = 397;
const RENEW_BEFORE_MS = 30 * 24 * 60 * 60 * 1_000;

/** A certificate and key that somebody else made. Throws a BuilderFault when they are not good, or do not fit. */
export async function loadCertificate(certificateFile: string, keyFile: string): Promise<TlsKeys> {
  const [certificate, key] = await Promise.all([readText(certificateFile), readText(keyFile)]);
  const problem = problemOf(certificate, key);
  if (problem === undefined) return { certificate, key };
  throw new BuilderFault(`The certificate cannot be used: ${problem}`, {
    where: certificateFile,
    missingPrerequisite: true,
  });
}

/**
 * The certificate that Kiln made for itself, in `folder`; makes a new one when there is none, it ends within 30 days, or
 * it is not for all of the names. Made by the program openssl: Node can read certificates, but not make them.
 *
 * @param names DNS names and addresses
 */
export async function ownCertificate(folder: string, names: readonly string[], signal: AbortSignal): Promise<TlsKeys> {
  const certificateFile = join(folder, 'certificate.pem');
  const keyFile = join(folder, 'key.pem');
  const wanted = [...new Set(['localhost', '127.0.0.1', '::1', hostname(), ...names])];
  const [certificate, key] = await Promise.all([readText(certificateFile), readText(keyFile)]).catch(() => ['', '']);
  if (certificate !== undefined && key !== undefined && isGood(certificate, key, wanted)) return { certificate, key };
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const drafts = { key: `${keyFile}.new`, certificate: `${certificateFile}.new` };
  try {
    await makeCertificate(drafts, wanted, signal);
    await chmod(drafts.key, 0o600);
    await rename(drafts.key, keyFile);
    await rename(drafts.certificate, certificateFile);
  } finally {
    await Promise.all(Object.values(drafts).map((file) => rm(file, { force: true })));
  }
  return await loadCertificate(certificateFile, keyFile);
}

async function makeCertificate(
  files: { readonly key: string; readonly certificate: string },
  names: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const alternatives = names.map((name) => `${isIP(name) === 0 ? 'DNS' : 'IP'}:${name}`).join(',');
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-sha256'];
  const output = ['-keyout', files.key, '-out', files.certificate, '-days', String(DAYS)];
  const extensions = [
    '-subj',
    '/CN=kiln',
    '-addext',
    `subjectAltName=${alternatives}`,
    '-addext',
    'extendedKeyUsage=serverAuth',
  ];
  const result = await run('openssl', [...request, ...output, ...extensions], { signal }).catch((cause: unknown) => {
    signal.throwIfAborted();
    throw new BuilderFault(`The program openssl cannot be run: ${coerceError(cause).message}`, {
      cause,
      hint: 'Install it (package openssl), or give a certificate with --cert and --key.',
      missingPrerequisite: true,
    });
  });
  if (result.code === 0) return;
  throw new BuilderFault(`openssl could not make a certificate: ${result.stderr.toString().trim().slice(-300)}`);
}

function isGood(certificate: string, key: string, names: readonly string[]): boolean {
  if (problemOf(certificate, key) !== undefined) return false;
  const parsed = new X509Certificate(certificate);
  const isFor = (name: string) =>
    (isIP(name) === 0 ? parsed.checkHost(name, { subject: 'never' }) : parsed.checkIP(name)) !== undefined;
  return Date.parse(parsed.validTo) - Date.now() > RENEW_BEFORE_MS && names.every(isFor);
}

function problemOf(certificate: string, key: string): string | undefined {
  try {
    const parsed = new X509Certificate(certificate);
    if (!parsed.checkPrivateKey(createPrivateKey(key))) return 'the key belongs to another certificate.';
    return Date.parse(parsed.validTo) < Date.now() ? `it ended on ${parsed.validTo}.` : undefined;
  } catch (error) {
    return `${coerceError(error).message}.`;
  }
}

async function readText(file: string): Promise<string> {
  return await readFile(file, 'utf8');
}
