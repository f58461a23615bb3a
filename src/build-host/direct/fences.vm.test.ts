import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { capture } from '../../toe/capture.ts';
import type { Target } from '../../toe/target.ts';
import { BuilderFault } from '../../util/faults.ts';
import { silentMonitor } from '../../util/monitor.ts';
import { run } from '../../util/spawn.ts';
import type { LaunchRequest } from '../build-host.ts';
import { directHost } from './direct-host.ts';

const base = process.env['KILN_TEST_BASE'] ?? '';
const context = { signal: new AbortController().signal, monitor: silentMonitor };
const capacity = { cpus: 1, memoryMiB: 1024 };

describe('on a mounted disk', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-fences-'));
  after(() => rm(folder, { recursive: true }));
  const request: LaunchRequest = {
    instanceId: `i-${'f'.repeat(17)}`,
    parentDisk: { path: base, format: 'qcow2' },
    instanceTypes: [],
    extraVolumes: [],
    owner: 'test',
    timeoutSeconds: 60,
  };

  test('a hostile component gets at nothing of the host', async () => {
    await using host = directHost({ instancesFolder: join(folder, 'instances'), capacity });
    const { target } = await host.launch(request, context);
    const secret = join(folder, 'secret');
    await writeFile(secret, 'of the host');
    let visitors = 0;
    const listener = createServer((socket) => {
      visitors++;
      socket.end('of the host\n');
    }).listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const address = listener.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const attempts = {
      'mount a file system': '/run/kiln/real/mount -t tmpfs tmpfs /mnt',
      'make a node of a disk': 'mknod /root/disk b 254 0',
      'read a disk of the host': 'cat /dev/[hvs]d[a-z]* /dev/loop* /dev/mem /proc/kcore',
      'see processes of the host': `grep -lz KILN_TEST_BASE /proc/[0-9]*/environ || ls -d /proc/${process.pid}/exe`,
      'see files of the host': `ls -d /proc/[0-9]*/root${secret} /proc/[0-9]*/cwd${secret} ${secret}`,
      'load a module':
        'touch /root/module && perl -e \'open my $f, "<", "/root/module"; syscall(313, fileno($f), "", 0) == 0 or $!{ENOEXEC} or exit 1\'',
      'change a setting of the kernel': 'echo 1 >/proc/sys/vm/overcommit_memory',
      'ask the magic key': 'echo h >/proc/sysrq-trigger',
      'set the clock': 'date -s @86400',
      'reach a listener on the loopback of the host': `for to in 127.0.0.1 10.0.2.2 localhost; do timeout 3 bash -c "exec 3<>/dev/tcp/$to/${port}; read -r -u 3 x && echo $x" && exit 0; done; exit 1`,
      'reach the metadata of the host': 'timeout 3 bash -c "exec 3<>/dev/tcp/169.254.169.254/80"',
      'change its own network': 'ip route del blackhole 169.254.0.0/16',
      'have more memory than the instance': 'head -c 900M /dev/zero | tail | wc -c | grep -v ^0$',
    };
    for (const [wish, script] of Object.entries(attempts)) {
      const { code, stdout } = await inShell(target, script);
      assert.notEqual(code, 0, `it can ${wish}: ${stdout}`);
      assert.doesNotMatch(stdout, /of the host/);
    }
    assert.equal(visitors, 0);
    listener.close();
    assert.deepEqual(await inShell(target, 'echo still here'), { code: 0, stdout: 'still here\n' });
  });

  test('a disk of the host that is full is what is told, whatever the component made of it', async () => {
    const small = join(folder, 'small');
    await mkdir(small);
    await run('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', small]);
    try {
      await using host = directHost({ instancesFolder: small, capacity });
      const instance = await host.launch(request, context);
      // It is told nothing: what it wrote lies in memory.
      const write = await inShell(instance.target, 'head -c 100M /dev/urandom >/root/big && echo written');
      assert.equal(write.stdout, 'written\n');
      const full = (error: unknown): boolean =>
        error instanceof BuilderFault && /The disk that holds the instances is full/.test(error.message);
      await assert.rejects(instance.unbooted.caught(context.signal), full);
      await assert.rejects(instance.unbooted.checkpoint(context.signal), full);
      await assert.rejects(instance.stopForCapture(context), full);
      await host.terminate(request.instanceId);
      assert.deepEqual(await readdir(small), []);
    } finally {
      await run('umount', [small]);
    }
  });
});

async function inShell(target: Target, script: string): Promise<{ readonly code: number; readonly stdout: string }> {
  const { code, stdout } = await capture(target, { argv: ['bash', '-c', script], signal: context.signal });
  return { code, stdout };
}
