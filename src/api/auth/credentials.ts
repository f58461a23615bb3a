/** A key pair that may sign requests, and on whose behalf. */
export interface KnownCredential {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** 12 digits. */
  readonly accountId: string;
  readonly principalArn: string;
}

/** Finds a key pair by its id; undefined when there is none. */
export type FindCredential = (accessKeyId: string) => KnownCredential | undefined;
