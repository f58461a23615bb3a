import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isOwnerAlive, nameOfThisProcess } from '../../util/process-identity.ts';
import type { Layout } from './layout.ts';
import { removeTree } from './remove-tree.ts';

/** A folder in the store for files that are not whole yet; it goes when disposed of, or at the next start of Kiln. */
export interface WorkFolder extends AsyncDisposable {
  readonly path: string;
}

export async function makeWorkFolder(layout: Layout): Promise<WorkFolder> {
  const path = join(layout.temporary, await nameOfThisProcess());
  await mkdir(path, { mode: 0o700 });
  return { path, [Symbol.asyncDispose]: () => removeTree(path) };
}

/** Removes the folders of processes that are gone. */
export async function removeAbandonedWork(layout: Layout): Promise<void> {
  for (const name of await readdir(layout.temporary)) {
    if (!(await isOwnerAlive(name))) await removeTree(join(layout.temporary, name));
  }
}
