/** The key that messages of topics are signed with, and the certificate by which receivers verify them. */
import { createPrivateKey, createSign, X509Certificate } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { MessageSigner } from '../notifications/envelope.ts';
import { BuilderFault, coerceError } from '../util/faults.ts';
import { run } from '../util/spawn.ts';

export interface SigningCertificate {
  readonly pem: string;
  /** Under which the service serves it; AWS's name, so that receivers who check it are content. */
  readonly path: string;
  /** @param url of the service, as receivers reach it */
  signer(url: string): MessageSigner;
}

const DAYS = 3_650;

/** That of `folder`, made at its first use. Made by the program openssl: Node can read certificates, but not make them. */
export async function signingCertificate(folder: string, signal: AbortSignal): Promise<SigningCertificate> {
  const files = { key: join(folder, 'signing-key.pem'), certificate: join(folder, 'signing-certificate.pem') };
  const known = await readPair(files);
  if (known !== undefined) return known;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const drafts = { key: `${files.key}.new`, certificate: `${files.certificate}.new` };
  try {
    const request = [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-noenc',
      '-sha256',
      '-subj',
      '/CN=kiln',
      '-days',
      String(DAYS),
    ];
    const output = ['-keyout', drafts.key, '-out', drafts.certificate];
    const result = await run('openssl', [...request, ...output], { signal }).catch((cause: unknown) => {
      signal.throwIfAborted();
      throw new BuilderFault(`The program openssl cannot be run: ${coerceError(cause).message}`, {
        cause,
        hint: 'Install it (package openssl).',
        missingPrerequisite: true,
      });
    });
    if (result.code !== 0) {
      throw new BuilderFault(`openssl could not make a certificate: ${result.stderr.toString().trim().slice(-300)}`);
    }
    await chmod(drafts.key, 0o600);
    await rename(drafts.key, files.key);
    await rename(drafts.certificate, files.certificate);
  } finally {
    await Promise.all(Object.values(drafts).map((file) => rm(file, { force: true })));
  }
  const made = await readPair(files);
  if (made === undefined) throw new BuilderFault(`The certificate in ${folder} cannot be used.`);
  return made;
}

async function readPair(files: { key: string; certificate: string }): Promise<SigningCertificate | undefined> {
  try {
    const [key, pem] = await Promise.all([readFile(files.key, 'utf8'), readFile(files.certificate, 'utf8')]);
    const privateKey = createPrivateKey(key);
    const certificate = new X509Certificate(pem);
    if (!certificate.checkPrivateKey(privateKey)) return undefined;
    const fingerprint = certificate.fingerprint256.replaceAll(':', '').slice(0, 32).toLowerCase();
    const path = `/kiln/v1/sns/SimpleNotificationService-${fingerprint}.pem`;
    return {
      pem,
      path,
      signer: (url) => ({
        certificateUrl: new URL(path, url).href,
        sign: (text) => createSign('RSA-SHA256').update(text).sign(privateKey, 'base64'),
      }),
    };
  } catch {
    return undefined;
  }
}
