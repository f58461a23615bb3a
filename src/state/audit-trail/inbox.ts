/**
 * Where other processes of a home leave records for the trail, which only one process writes: a file each, taken over in
 * the order of their names. A record is in the trail at least once, twice when the process was killed in between.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, watch } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { coerceError } from '../../util/faults.ts';
import type { AuditTrail } from './open-trail.ts';

const NAME = /^[0-9]{15}-[0-9a-f-]{36}\.json$/;

/** Leaves a record; it is on disk when this resolves. */
export async function leaveRecord(trailFolder: string, record: object, at: Date): Promise<void> {
  const folder = inboxOf(trailFolder);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const name = `${String(at.getTime()).padStart(15, '0')}-${randomUUID()}.json`;
  const draft = join(folder, `${name}.draft`);
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(JSON.stringify(record));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, join(folder, name));
  const directory = await open(folder, 'r');
  await directory.sync().finally(() => directory.close());
}

export interface Inbox extends AsyncDisposable {
  /** Takes over what is there: it stands in the trail before everything that is appended after this call. */
  take(): void;
}

/** Takes records over when they come. @param onProblem told of a record that cannot be read, which stays where it is */
export function openInbox(trailFolder: string, trail: AuditTrail, onProblem: (error: Error) => void): Inbox {
  const folder = inboxOf(trailFolder);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const taken = new Map<string, Promise<void>>();
  const takeOne = async (name: string): Promise<void> => {
    const file = join(folder, name);
    try {
      await trail.append(JSON.parse(readFileSync(file, 'utf8')), true);
      await rm(file, { force: true });
      taken.delete(name);
    } catch (error) {
      onProblem(coerceError(error));
    }
  };
  const take = (): void => {
    for (const name of readdirSync(folder).sort()) {
      if (NAME.test(name) && !taken.has(name)) taken.set(name, takeOne(name));
    }
  };
  const watcher = watch(folder, take);
  watcher.on('error', onProblem);
  take();
  return {
    take,
    [Symbol.asyncDispose]: async () => {
      watcher.close();
      take();
      await Promise.all(taken.values());
    },
  };
}

function inboxOf(trailFolder: string): string {
  return join(trailFolder, 'inbox');
}
