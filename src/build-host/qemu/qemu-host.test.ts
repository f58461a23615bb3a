import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { nameOfThisProcess } from '../../util/process-identity.ts';
import { writeRecord } from './instance-record.ts';
import { qemuHost } from './qemu-host.ts';

test('an instance is abandoned when the process that launched it is gone, and not while it runs or is unknown', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-instances-'));
  t.after(() => rm(folder, { recursive: true }));
  const own = await nameOfThisProcess();
  const launchers = {
    'i-00000000000000001': own,
    // A process id that was used again: the start tells the two apart.
    'i-00000000000000002': own.replace(/-[0-9]+-/, '-1-'),
    'i-00000000000000003': `${spawnSync('true').pid}-1-0123456789ab`,
    'i-00000000000000004': undefined,
  };
  for (const [instanceId, launchedBy] of Object.entries(launchers)) {
    await mkdir(join(folder, instanceId));
    const whose = { instanceId, owner: 'kiln run ami-1' };
    await writeRecord(join(folder, instanceId), launchedBy === undefined ? whose : { ...whose, launchedBy });
  }
  assert.match(await readFile(join(folder, 'i-00000000000000001', 'instance.json'), 'utf8'), /launchedBy/);
  await using host = qemuHost({
    instancesFolder: folder,
    cacheFolder: join(folder, 'cache'),
    capacity: { cpus: 1, memoryMiB: 1024 },
  });
  const found = (await host.list()).toSorted((a, b) => a.instanceId.localeCompare(b.instanceId));
  assert.deepEqual(
    found.map(({ abandoned }) => abandoned),
    [false, true, true, false],
  );
  assert.ok(found.every(({ owner }) => owner === 'kiln run ami-1'));
});
