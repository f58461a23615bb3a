import { rmSync } from 'node:fs';
import { chmod, lstat, rename, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { BuilderFault, coerceError } from '../util/faults.ts';

/** Linux has room for 107 bytes and a zero. */
const MAX_PATH_BYTES = 107;

/**
 * Listens on a Unix socket that only its owner can use. It is made under another name and renamed when its mode is
 * right, so that nobody finds it open in between; that also replaces what a killed process left. A socket on which
 * somebody answers, and a file that is no socket, stay, and a BuilderFault says so.
 */
export async function bindSocket(server: Server, path: string): Promise<void> {
  const draft = join(dirname(path), `.${basename(path)}.${process.pid}`);
  if (Buffer.byteLength(draft) > MAX_PATH_BYTES) throw new BuilderFault(`The path of a socket is too long: ${path}`);
  await refuseTaken(path);
  await rm(draft, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(draft, resolve);
  }).catch((cause: unknown) => {
    throw new BuilderFault(`Kiln cannot listen on ${path}: ${coerceError(cause).message}`, { cause });
  });
  await chmod(draft, 0o600);
  await rename(draft, path);
  // Node removes the name that it bound, which is gone.
  server.once('close', () => rmSync(path, { force: true }));
}

async function refuseTaken(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) throw new BuilderFault(`${path} is there already, and it is no socket.`);
  if (await answers(path)) throw new BuilderFault(`Another program listens on ${path}.`);
}

async function answers(path: string): Promise<boolean> {
  const socket = connect(path);
  return await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  }).finally(() => socket.destroy());
}
