import type { Policy } from '../../iam/policy.ts';

/** A key pair that may sign requests, and on whose behalf. */
export interface KnownCredential {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** 12 digits. */
  readonly accountId: string;
  readonly principalArn: string;
  /** AWS's unique id of a user; of the account's root the account id. */
  readonly userId: string;
  /** Undefined for the account's root. */
  readonly userName: string | undefined;
  /** What it may do; undefined for the account's root, which may do everything. */
  readonly policy: Policy | undefined;
}

/** Finds a key pair by its id; undefined when there is none. */
export type FindCredential = (accessKeyId: string) => KnownCredential | undefined;

/** The key pair of an account's root. */
export function rootCredential(keys: {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly accountId: string;
}): KnownCredential {
  const { accessKeyId, secretAccessKey, accountId } = keys;
  const principalArn = `arn:aws:iam::${accountId}:root`;
  return {
    accessKeyId,
    secretAccessKey,
    accountId,
    principalArn,
    userId: accountId,
    userName: undefined,
    policy: undefined,
  };
}
