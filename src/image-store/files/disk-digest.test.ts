import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { sha256OfExtents, sha256OfFile } from './disk-digest.ts';
import { rawExtents } from './disk-info.ts';

const MIB = 2 ** 20;
const { signal } = new AbortController();

test('the digest of a file with holes is that of all its bytes, and the holes are not read', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-digest-'));
  try {
    const path = join(folder, 'disk');
    const file = await open(path, 'wx');
    await file.write(Buffer.from('first'), 0, 5, 3 * MIB);
    await file.write(Buffer.alloc(70_000, 7), 0, 70_000, 9 * MIB + 123);
    await file.truncate(12 * MIB + 512);
    await file.sync();
    await file.close();
    const extents = await rawExtents(path, { signal, action: 'A test' });
    const holes = extents.filter(({ zero }) => zero).reduce((sum, { length }) => sum + length, 0);
    assert.ok(holes > 11 * MIB, JSON.stringify(extents));
    const expected = createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
    assert.equal(await sha256OfExtents(path, extents), expected);
    assert.equal(await sha256OfFile(path), expected);
    // What is told to be a hole is taken for zeros, whatever lies there.
    const blind = [{ start: 0, length: 12 * MIB + 512, zero: true }];
    assert.notEqual(await sha256OfExtents(path, blind), expected);

    const reason = new Error('enough');
    await assert.rejects(sha256OfExtents(path, blind, AbortSignal.abort(reason)), (error) => error === reason);
    await assert.rejects(sha256OfFile(path, AbortSignal.abort(reason)), (error) => error === reason);
  } finally {
    await rm(folder, { recursive: true });
  }
});
