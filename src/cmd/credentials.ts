import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { BuilderFault, coerceError } from '../util/faults.ts';
import { ensureHome, type KilnHome } from './kiln-home.ts';
import { randomKeyId, randomSecret } from './random-keys.ts';

/** Who may use this installation, and who it is. Made at the first start, kept in `credentials.json` (mode 0600). */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** 12 digits. */
  readonly accountId: string;
  readonly region: string;
  /** Names this installation where several share a database: what it leaves unfinished is its own to recover. */
  readonly installationId: string;
  /** 32 bytes in base64: seals page tokens. */
  readonly pageTokenKey: string;
}

/** Reads the credentials of a home; makes them when there are none. Safe when two processes start at once. */
export async function ensureCredentials(home: KilnHome): Promise<Credentials> {
  const existing = await readCredentials(home);
  if (existing !== undefined) return existing;
  await ensureHome(home);
  const draft = `${home.credentialsFile}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    await writeFile(draft, `${JSON.stringify(makeCredentials(), null, 2)}\n`, { mode: 0o600, flag: 'wx', flush: true });
    // A link is made whole or not at all, and it never replaces what another process made in the meantime.
    await link(draft, home.credentialsFile).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(draft, { force: true });
  }
  const made = await readCredentials(home);
  if (made === undefined) throw new BuilderFault(`${home.credentialsFile} vanished while it was made.`);
  return made;
}

export async function readCredentials(home: KilnHome): Promise<Credentials | undefined> {
  let text: string;
  try {
    text = await readFile(home.credentialsFile, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new BuilderFault(`${home.credentialsFile} cannot be read: ${coerceError(error).message}`, { cause: error });
  }
  const credentials = parse(text);
  if (credentials === undefined) {
    throw new BuilderFault(`${home.credentialsFile} is damaged.`, {
      hint: 'Restore it from a backup. Without one, remove it: Kiln makes new keys and a new account id, and what the old account owns stays unseen.',
    });
  }
  return credentials;
}

function makeCredentials(): Credentials {
  return {
    accessKeyId: randomKeyId('AKIA'),
    secretAccessKey: randomSecret(),
    accountId: String(randomInt(100_000_000_000, 1_000_000_000_000)),
    region: 'us-east-1',
    installationId: randomUUID(),
    pageTokenKey: randomBytes(32).toString('base64'),
  };
}

function parse(text: string): Credentials | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { accessKeyId, secretAccessKey, accountId, region, installationId, pageTokenKey } = value as Record<
    string,
    unknown
  >;
  const texts = [accessKeyId, secretAccessKey, accountId, region, installationId, pageTokenKey];
  if (!texts.every((item) => typeof item === 'string' && item !== '')) return undefined;
  if (!/^[0-9]{12}$/.test(String(accountId)) || Buffer.from(String(pageTokenKey), 'base64').length !== 32)
    return undefined;
  return value as Credentials;
}
