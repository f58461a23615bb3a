import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { directHost } from '../src/build-host/direct/direct-host.ts';
import { capture } from '../src/toe/capture.ts';
import { silentMonitor } from '../src/util/monitor.ts';

const SETTINGS = '/etc/cloud/cloud.cfg.d/10_image.cfg';

test('what the base image tells cloud-init is in its schema, and its locale is the one that is set', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-base-'));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(folder, { recursive: true }));
  const host = stack.use(directHost({ instancesFolder: folder, capacity: { cpus: 2, memoryMiB: 4096 } }));
  const { signal } = new AbortController();
  const { target } = await host.launch(
    {
      ...{ instanceId: 'i-00000000000000001', instanceTypes: [], extraVolumes: [], owner: 'test', timeoutSeconds: 60 },
      parentDisk: { path: process.env['KILN_TEST_BASE'] ?? '', format: 'qcow2' },
    },
    { signal, monitor: silentMonitor },
  );
  // A document that people write begins with this line. The command itself is one that needs a running system.
  const script = `
    { echo '#cloud-config'; cat ${SETTINGS}; } > /root/settings.yaml
    python3 -m cloudinit.cmd.main schema --config-file /root/settings.yaml 2>&1
    . /etc/default/locale; grep -c "^locale: $LANG\\$" ${SETTINGS}`;
  const { stdout } = await capture(target, { argv: ['sh', '-c', script], signal });
  assert.equal(stdout, 'Valid cloud-config: /root/settings.yaml\n1\n');
});
