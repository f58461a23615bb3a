import { readStart } from '../../util/read-start.ts';
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
    // A component may have made it larger than any memory.
    const text = await readStart(root + path, MOST_BYTES);
    for (const line of text.split('\n')) {
      const [, name, value = ''] = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line) ?? [];
      if (name !== undefined) environment[name] = value.trim().replace(/^(["'])(.*)\1$/, '$2');
    }
  }
  return environment;
}
