import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A package without types; what is used of it. */
type S3rver = new (options: {
  readonly address: string;
  readonly port: number;
  readonly directory: string;
  readonly silent: boolean;
  readonly allowMismatchedSignatures: boolean;
  readonly configureBuckets: readonly { readonly name: string }[];
}) => { run(): Promise<{ readonly port: number }>; close(): Promise<void> };

export interface S3Server extends AsyncDisposable {
  readonly url: string;
}

/** The keys that it knows. */
export const S3_SERVER_KEYS = { AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' };

/**
 * An S3 server that others wrote (s3rver), on loopback, with its objects in a temporary folder and one bucket.
 *
 * @param strict Verifies signatures. It does so wrongly where a list is asked for: it forgets the slash behind the bucket.
 */
export async function startS3Server(bucket: string, { strict }: { readonly strict: boolean }): Promise<S3Server> {
  const directory = await mkdtemp(join(tmpdir(), 'kiln-s3rver-'));
  const Server = createRequire(import.meta.url)('@20minutes/s3rver') as S3rver;
  const options = { address: '127.0.0.1', port: 0, silent: true, configureBuckets: [{ name: bucket }] };
  const server = new Server({ ...options, directory, allowMismatchedSignatures: !strict });
  const { port } = await server.run();
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      await server.close();
      await rm(directory, { recursive: true });
    },
  };
}
