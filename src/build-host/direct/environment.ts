import { open } from 'node:fs/promises';
import { resolveWithin } from './shims/stand-ins.ts';

/** What a login over SSH gives to root. */
const BASE = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  USER: 'root',
  LOGNAME: 'root',
  SHELL: '/bin/bash',
} as const;

/** Files of a system from which a login takes variables. */
const FILES = ['/etc/environment', '/etc/default/locale', '/etc/locale.conf'];
const MOST_BYTES = 64 * 1024;

/** The environment of commands on a root file system: the one that they would find on the booted machine. */
export async function loginEnvironment(root: string): Promise<Readonly<Record<string, string>>> {
  const environment: Record<string, string> = { ...BASE };
  for (const file of FILES) {
    const path = await resolveWithin(root, file);
    if (path === undefined) continue;
    for (const line of (await beginningOf(root + path)).split('\n')) {
      const [, name, value = ''] = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line) ?? [];
      if (name !== undefined) environment[name] = value.trim().replace(/^(["'])(.*)\1$/, '$2');
    }
  }
  return environment;
}

/** A component may have made it larger than any memory. */
async function beginningOf(file: string): Promise<string> {
  await using handle = await open(file, 'r');
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(MOST_BYTES), 0, MOST_BYTES, 0);
  return buffer.toString('utf8', 0, bytesRead);
}
