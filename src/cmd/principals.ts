/**
 * Those who may use a service beside the owner of its home: their keys and policies, in `principals.json` (mode 0600).
 * Commands change the file, and a running service sees it with the next request.
 */
import { randomInt } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { KnownCredential } from '../api/auth/credentials.ts';
import type { ApiLog } from '../api/log.ts';
import { parsePolicy } from '../iam/parse-policy.ts';
import { BuilderFault, coerceError } from '../util/faults.ts';
import { lockFile } from '../util/file-lock.ts';
import { ensureHome, type KilnHome } from './kiln-home.ts';
import { randomKeyId, randomSecret } from './random-keys.ts';

export interface Principal {
  readonly name: string;
  /** `AIDA…`, new when a name is used again. */
  readonly userId: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** The policy document as it was given, checked when it was. */
  readonly policy: string;
  readonly createdAt: string;
  readonly rotatedAt?: string;
  /** 12 digits; the installation's own account when it is left out. */
  readonly accountId?: string;
}

/** Source: IAM User Guide, "IAM and AWS STS quotas". */
export const PRINCIPAL_NAME = /^[A-Za-z0-9+=,.@_-]{1,64}$/;

export const ACCOUNT_ID = /^[0-9]{12}$/;

export function newKeys(): Pick<Principal, 'accessKeyId' | 'secretAccessKey'> {
  return { accessKeyId: randomKeyId('AKIA'), secretAccessKey: randomSecret() };
}

export function newUserId(): string {
  return randomKeyId('AIDA');
}

/** @throws BuilderFault when the file cannot be read or is damaged */
export function readPrincipals(home: KilnHome): readonly Principal[] {
  let text: string;
  try {
    text = readFileSync(home.principalsFile, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new BuilderFault(`${home.principalsFile} cannot be read: ${coerceError(error).message}`, { cause: error });
  }
  const principals = parsePrincipals(text);
  if (principals !== undefined) return principals;
  throw new BuilderFault(`${home.principalsFile} is damaged.`, {
    hint: 'Restore it from a backup, or remove it and add the principals again.',
  });
}

/** The new list, or an error when the change cannot be made. */
export type PrincipalChange = (principals: readonly Principal[]) => readonly Principal[];

/**
 * Changes the list while no other process does, so that a reader finds the old file or the new one.
 *
 * @param beforeChange is awaited when the change can be made and before it is
 */
export async function changePrincipals(
  home: KilnHome,
  change: PrincipalChange,
  signal: AbortSignal,
  beforeChange: () => Promise<void>,
): Promise<void> {
  await ensureHome(home);
  await using _lock = await lockFile(`${home.principalsFile}.lock`, signal);
  const changed = change(readPrincipals(home));
  await beforeChange();
  const draft = `${home.principalsFile}.${process.pid}.${randomInt(2 ** 32)}`;
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(`${JSON.stringify({ principals: changed }, null, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, home.principalsFile);
    const folder = await open(dirname(home.principalsFile), 'r');
    await folder.sync().finally(() => folder.close());
  } finally {
    await rm(draft, { force: true });
  }
}

export interface KnownPrincipals {
  /** Reads the file again when it has changed. While it cannot be read, nobody is known. */
  find(accessKeyId: string): KnownCredential | undefined;
  /** The accounts of this installation: its own, and those of principals of others. */
  accountIds(): readonly string[];
}

/** @param onChange called before keys of a changed file are known */
export function openPrincipals(
  home: KilnHome,
  accountId: string,
  log: ApiLog,
  onChange: () => void = () => {},
): KnownPrincipals {
  let seen: string | undefined;
  let known: ReadonlyMap<string, KnownCredential> = new Map();
  const refresh = (): void => {
    const stamp = stampOf(home.principalsFile);
    if (stamp === seen) return;
    seen = stamp;
    onChange();
    known = new Map();
    try {
      known = new Map(
        readPrincipals(home).map((one) => [one.accessKeyId, credentialOf(one, one.accountId ?? accountId)]),
      );
    } catch (err) {
      log.error({ err: coerceError(err) }, 'the principals cannot be read: none of them is let in');
    }
  };
  return {
    find: (accessKeyId) => {
      refresh();
      return known.get(accessKeyId);
    },
    accountIds: () => {
      refresh();
      return [...new Set([accountId, ...known.values().map((one) => one.accountId)])];
    },
  };
}

export function principalArn(accountId: string, name: string): string {
  return `arn:aws:iam::${accountId}:user/${name}`;
}

function credentialOf(principal: Principal, accountId: string): KnownCredential {
  const { name, userId, accessKeyId, secretAccessKey, policy } = principal;
  return {
    accessKeyId,
    secretAccessKey,
    accountId,
    principalArn: principalArn(accountId, name),
    userId,
    userName: name,
    policy: parsePolicy(policy, `the policy of ${name}`, 'identity'),
  };
}

/** Changes with every change of the file: it is always replaced by a new one. */
function stampOf(file: string): string {
  const status = statSync(file, { bigint: true, throwIfNoEntry: false });
  return status === undefined ? '' : `${status.ino} ${status.size} ${status.mtimeNs} ${status.ctimeNs}`;
}

function parsePrincipals(text: string): readonly Principal[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('principals' in value)) return undefined;
  const { principals } = value;
  return Array.isArray(principals) && principals.every(isPrincipal) ? principals : undefined;
}

function isPrincipal(value: unknown): value is Principal {
  if (typeof value !== 'object' || value === null) return false;
  const fields = value as Record<string, unknown>;
  const texts = ['name', 'userId', 'accessKeyId', 'secretAccessKey', 'policy', 'createdAt'];
  const { accountId } = fields;
  if (accountId !== undefined && !(typeof accountId === 'string' && ACCOUNT_ID.test(accountId))) return false;
  return texts.every((name) => typeof fields[name] === 'string' && fields[name] !== '');
}
