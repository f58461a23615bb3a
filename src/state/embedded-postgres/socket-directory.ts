import { createHash } from 'node:crypto';
import { lstat, mkdir, mkdtemp, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

/** The port that names the socket; nothing listens on a network. */
export const PORT = 5432;

/** `sun_path` holds 108 bytes with its closing zero. */
const MAX_SOCKET_PATH = 107;

/**
 * The directory of the server's socket, mode 0700: beside the data, or in the temporary directory when that path is too
 * long or has characters that would need quoting in a server setting. Such a one is recorded in `socket-directory`, so
 * that the start after a crash uses it again instead of leaving it behind.
 */
export async function ensureSocketDirectory(postgresDir: string): Promise<string> {
  const beside = path.join(postgresDir, 'socket');
  if (isUsable(beside)) {
    await mkdir(beside, { mode: 0o700, recursive: true });
    return beside;
  }
  const record = recordOf(postgresDir);
  const recorded = await readFile(record, 'utf8').catch(() => '');
  if (recorded !== '' && (await isPrivate(recorded))) return recorded;
  const hash = createHash('sha256').update(postgresDir).digest('hex').slice(0, 8);
  const made = await mkdtemp(path.join(os.tmpdir(), `kiln-${hash}-`));
  await writeFile(record, made);
  return made;
}

/** Removes the directory of a server that has ended, when it is in the temporary directory. */
export async function releaseSocketDirectory(postgresDir: string, socketDir: string): Promise<void> {
  if (path.dirname(socketDir) === postgresDir) return;
  // A killed server leaves its socket in it; then it stays for the next start.
  await rmdir(socketDir).then(
    () => rm(recordOf(postgresDir), { force: true }),
    () => {},
  );
}

export function socketPath(directory: string): string {
  return path.join(directory, `.s.PGSQL.${PORT}`);
}

function recordOf(postgresDir: string): string {
  return path.join(postgresDir, 'socket-directory');
}

function isUsable(directory: string): boolean {
  return Buffer.byteLength(socketPath(directory)) <= MAX_SOCKET_PATH && /^[A-Za-z0-9/._-]+$/.test(directory);
}

/** Still the directory that was made: not a link, ours, and closed to others. */
async function isPrivate(directory: string): Promise<boolean> {
  const stats = await lstat(directory).catch(() => undefined);
  return stats?.isDirectory() === true && stats.uid === process.getuid?.() && (stats.mode & 0o077) === 0;
}
