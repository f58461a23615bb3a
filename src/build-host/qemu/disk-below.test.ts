import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from '../../util/spawn.ts';
import { diskBelow } from './disk-below.ts';
import { DEFAULT_PROGRAMS } from './programs.ts';

const { signal } = new AbortController();

test('what a disk lies on is told as far as it is there', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-below-'));
  t.after(() => rm(folder, { recursive: true }));
  const [parent = '', layer = '', upper = '', root = ''] = ['parent.raw', 'layer', 'upper', 'root'].map((name) =>
    join(folder, name),
  );
  const create = async (...args: readonly string[]): Promise<void> => {
    assert.equal((await run('qemu-img', ['create', '-q', ...args])).code, 0);
  };
  await create('-f', 'raw', parent, '1M');
  await create('-f', 'qcow2', '-b', 'parent.raw', '-F', 'raw', layer);
  await create('-f', 'qcow2', '-b', layer, '-F', 'qcow2', upper);
  await create('-f', 'qcow2', '-b', upper, '-F', 'qcow2', root);
  assert.deepEqual(await diskBelow(root, DEFAULT_PROGRAMS, signal), [upper, layer, parent]);
  // As the next start removes a layer that a killed process left without a record.
  await rm(upper);
  assert.deepEqual(await diskBelow(root, DEFAULT_PROGRAMS, signal), [upper]);
});
