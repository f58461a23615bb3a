import { access } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { type QemuPrograms, runProgram } from './programs.ts';

/**
 * Absolute paths of the files that a qcow2 lies on, the uppermost first. A file that is gone is the last one: a guest may still
 * have it open, but what it lay on is known to nobody else.
 */
export async function diskBelow(disk: string, programs: QemuPrograms, signal: AbortSignal): Promise<readonly string[]> {
  const below: string[] = [];
  for (let path = resolve(disk), format = 'qcow2'; ; ) {
    const args = ['info', '-U', '--output=json', '-f', format, path];
    const info: Readonly<Record<string, unknown>> = JSON.parse(
      await runProgram(programs, 'qemuImg', args, { cwd: dirname(path), signal }),
    );
    const next = info['full-backing-filename'];
    if (typeof next !== 'string') return below;
    path = resolve(dirname(path), next);
    format = String(info['backing-filename-format'] ?? 'qcow2');
    below.push(path);
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (!isThere) return below;
  }
}
