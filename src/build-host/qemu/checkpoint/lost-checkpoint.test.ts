import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readRecord, writeRecord } from '../instance-record.ts';
import type { Qmp } from '../qmp.ts';
import { endLostCheckpoint } from './lost-checkpoint.ts';

interface Found {
  readonly folder: string;
  readonly qmp: Qmp;
  /** What QEMU was told to do. */
  readonly told: readonly string[];
}

/** A guest that is found after its process of Kiln is gone; of its QEMU only the answers are there. */
async function find(t: TestContext, status: string, rootNode: string): Promise<Found> {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-lost-checkpoint-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeRecord(folder, { instanceId: `i-${'a'.repeat(17)}`, owner: 'test' });
  const told: string[] = [];
  const execute = async (command: string): Promise<unknown> => {
    if (command === 'query-status') return { status };
    if (command === 'query-migrate') return { status: told.includes('migrate_cancel') ? 'cancelled' : 'active' };
    const image = { 'virtual-size': 16 * 2 ** 20 };
    if (command === 'query-block') return [{ qdev: '/root-disk', inserted: { 'node-name': rootNode, image } }];
    told.push(command);
    return {};
  };
  return { folder, told, qmp: { execute, closed: new Promise(() => {}), close: () => {} } };
}

for (const [status, told] of [
  ['paused', ['migrate_cancel', 'cont']],
  ['finish-migrate', ['migrate_cancel', 'cont']],
  ['postmigrate', ['migrate_cancel', 'cont']],
  ['running', []],
  ['io-error', []],
] as const) {
  const what = told.length > 0 ? 'goes on' : 'is left alone';
  test(`a guest that is ${status} when its process of Kiln is gone ${what}`, async (t) => {
    const found = await find(t, status, 'root');
    await endLostCheckpoint(found.folder, found.qmp);
    assert.deepEqual(found.told, told);
    assert.equal((await readRecord(found.folder))?.rootDisk, undefined);
  });
}

test('a disk that a lost checkpoint has put on another is the one that is captured', async (t) => {
  const { folder, qmp } = await find(t, 'running', 'root-17.qcow2');
  await endLostCheckpoint(folder, qmp);
  assert.equal((await readRecord(folder))?.rootDisk, 'root-17.qcow2');
});
