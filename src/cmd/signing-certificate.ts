/** The key that messages of topics are signed with, and the certificate by which receivers verify them. */
import { createPrivateKey, createSign, type KeyObject, X509Certificate } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CERTIFICATE_PATH } from '../api/kiln/endpoints.ts';
import type { MessageSigner } from '../notifications/envelope.ts';
import { BuilderFault, coerceError } from '../util/faults.ts';
import { run } from '../util/spawn.ts';

export interface SigningCertificate {
  /** The certificate under a path of the service, PEM; undefined when there is none, or none yet. */
  find(path: string): Promise<string | undefined>;
  /**
   * Makes key and certificate at their first use. Throws a BuilderFault when openssl is not there.
   *
   * @param url of the service, as receivers reach it
   */
  signer(url: string): Promise<MessageSigner>;
}

const DAYS = 3_650;

/** That of `folder`. Made by the program openssl: Node can read certificates, but not make them. */
export function openSigningCertificate(folder: string): SigningCertificate {
  const files = { key: join(folder, 'signing-key.pem'), certificate: join(folder, 'signing-certificate.pem') };
  let pair: Pair | undefined;
  const known = async (): Promise<Pair | undefined> => {
    pair ??= await readPair(files);
    return pair;
  };
  let making: Promise<Pair> | undefined;
  const make = (): Promise<Pair> => {
    making ??= makePair(folder, files).finally(() => {
      making = undefined;
    });
    return making;
  };
  return {
    find: async (path) => {
      const found = await known();
      return found?.path === path ? found.pem : undefined;
    },
    signer: async (url) => {
      const { path, key } = (await known()) ?? (await make());
      return {
        certificateUrl: new URL(path, url).href,
        sign: (text) => createSign('RSA-SHA256').update(text).sign(key, 'base64'),
      };
    },
  };
}

async function makePair(folder: string, files: Files): Promise<Pair> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const drafts = { key: `${files.key}.new`, certificate: `${files.certificate}.new` };
  try {
    const what = ['-newkey', 'rsa:2048', '-noenc', '-sha256', '-subj', '/CN=kiln', '-days', String(DAYS)];
    const output = ['-keyout', drafts.key, '-out', drafts.certificate];
    const result = await run('openssl', ['req', '-x509', ...what, ...output]).catch((cause: unknown) => {
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

interface Files {
  readonly key: string;
  readonly certificate: string;
}

interface Pair {
  readonly key: KeyObject;
  readonly pem: string;
  /** AWS's name, so that receivers who check it are content. */
  readonly path: string;
}

async function readPair(files: Files): Promise<Pair | undefined> {
  try {
    const [text, pem] = await Promise.all([readFile(files.key, 'utf8'), readFile(files.certificate, 'utf8')]);
    const key = createPrivateKey(text);
    const certificate = new X509Certificate(pem);
    if (!certificate.checkPrivateKey(key)) return undefined;
    const fingerprint = certificate.fingerprint256.replaceAll(':', '').slice(0, 32).toLowerCase();
    return { key, pem, path: `${CERTIFICATE_PATH}SimpleNotificationService-${fingerprint}.pem` };
  } catch {
    return undefined;
  }
}
