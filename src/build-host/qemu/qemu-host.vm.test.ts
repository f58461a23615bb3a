import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, open, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, describe, test } from 'node:test';
import { BuilderFault, BuildFailure } from '../../util/faults.ts';
import { silentMonitor } from '../../util/monitor.ts';
import { run } from '../../util/spawn.ts';
import { describeBuildHost } from '../build-host.suite.ts';
import type { LaunchRequest } from '../build-host.ts';
import { instanceProcesses } from './processes.ts';
import { type QemuHost, type QemuHostOptions, qemuHost } from './qemu-host.ts';

const base = process.env['KILN_TEST_BASE'] ?? '';
const never = new AbortController().signal;

async function succeed(program: string, args: readonly string[]): Promise<string> {
  const result = await run(program, args);
  assert.equal(result.code, 0, `${program}: ${result.stderr.toString()}${result.stdout.toString()}`);
  return result.stdout.toString();
}

describe('QEMU', async () => {
  assert.ok(existsSync(base), 'KILN_TEST_BASE must be the path of a bootable qcow2; `npm test` makes one and sets it');
  const folder = await mkdtemp(join(tmpdir(), 'kiln-qemu-'));
  const instancesFolder = join(folder, 'instances');
  const deadDisk = { path: join(folder, 'dead.qcow2'), format: 'qcow2' } as const;
  await succeed('qemu-img', ['create', '-q', '-f', 'qcow2', deadDisk.path, '16M']);
  after(() => rm(folder, { recursive: true }));

  const makeHost = (options: Partial<QemuHostOptions> = {}): QemuHost =>
    qemuHost({
      instancesFolder,
      cacheFolder: join(folder, 'cache'),
      capacity: { cpus: 2, memoryMiB: 4096 },
      ...options,
    });
  const request = (digit: string): LaunchRequest => ({
    instanceId: `i-${digit.repeat(17)}`,
    parentDisk: deadDisk,
    instanceTypes: [],
    extraVolumes: [],
    owner: 'test',
    timeoutSeconds: 60,
  });
  async function assertNothingLeft(instanceId: string): Promise<void> {
    const path = join(instancesFolder, instanceId);
    assert.deepEqual(await instanceProcesses(instanceId, path), []);
    assert.equal(existsSync(path), false);
  }

  describeBuildHost('QEMU', {
    makeHost,
    parentDisk: { path: base, format: 'qcow2' },
    deadDisk,
    // Its target is the SSH target, which goes through the suite against an sshd of this machine.
    runsTargetSuite: false,
    hasDisks: true,
    bootSeconds: 480,
    assertNothingLeft,
    assertCleanDisk: (path) => assertCleanDisk(path, folder),
  });

  test('without QEMU the error names the package to install', async () => {
    await using host = makeHost({ programs: { qemuSystem: '/nonexistent/qemu' } });
    await assert.rejects(
      host.launch(request('1'), { signal: never, monitor: silentMonitor }),
      (error) => error instanceof BuilderFault && error.missingPrerequisite && /qemu-system-x86/.test(error.hint ?? ''),
    );
    await assertNothingLeft(request('1').instanceId);
  });

  test('a QEMU that ends at once is the fault of the host, with what it said', async () => {
    const wrapper = join(folder, 'broken-qemu');
    await writeFile(
      wrapper,
      '#!/bin/sh\n[ "$1" = --version ] || { echo "cannot do this today" >&2; exit 1; }\necho broken\n',
    );
    await chmod(wrapper, 0o700);
    await using host = makeHost({ programs: { qemuSystem: wrapper } });
    await assert.rejects(
      host.launch(request('2'), { signal: never, monitor: silentMonitor }),
      (error) => error instanceof BuilderFault && /cannot do this today/.test(error.message),
    );
    await assertNothingLeft(request('2').instanceId);
  });

  /** A disk with a boot sector of the given machine code. */
  async function bootSectorDisk(name: string, code: string): Promise<LaunchRequest['parentDisk']> {
    const path = join(folder, name);
    const sector = Buffer.alloc(512);
    sector.set(Buffer.from(code, 'hex'));
    sector.writeUInt16LE(0xaa55, 510);
    await writeFile(path, sector);
    await truncate(path, 1024 * 1024);
    return { path, format: 'raw' };
  }

  test('a full disk of the host is told as such, not left to the guest', async () => {
    // Writes itself to sector after sector through the BIOS.
    const code = '31c08ed8b443b28030c0be157ccd13fe061d7cebef10000100007c00000100000000000000';
    const parentDisk = await bootSectorDisk('writer.raw', code);
    const file = '{"driver":"file","filename":"root.qcow2"}';
    const fails = '{"event":"none","iotype":"write","errno":28}';
    const wrapper = join(folder, 'full-qemu');
    await writeFile(
      wrapper,
      `#!/bin/sh
count=$#
while [ "$count" -gt 0 ]; do
  word=$(printf %s "$1" | sed 's/${file}/{"driver":"blkdebug","inject-error":[${fails}],"image":${file}}/')
  shift
  set -- "$@" "$word"
  count=$((count - 1))
done
exec qemu-system-x86_64 "$@"
`,
    );
    await chmod(wrapper, 0o700);
    await using host = makeHost({ programs: { qemuSystem: wrapper } });
    await assert.rejects(
      host.launch({ ...request('4'), parentDisk }, { signal: never, monitor: silentMonitor }),
      (error) => error instanceof BuilderFault && /disk .* is full/.test(error.message),
    );
    await assertNothingLeft(request('4').instanceId);
  });

  test('a guest that shuts itself down fails the build at once', async () => {
    const parentDisk = await bootSectorDisk('off.raw', 'b80020ba0406efebfe');
    await using host = makeHost();
    await assert.rejects(
      host.launch({ ...request('5'), parentDisk }, { signal: never, monitor: silentMonitor }),
      (error) => error instanceof BuildFailure && /shut itself down/.test(error.message),
    );
    await assertNothingLeft(request('5').instanceId);
  });

  test('a guest whose kernel has panicked fails the build at once, with what the kernel said', async () => {
    // Writes what follows to the serial port, and halts.
    const code = '31c08ed8be157cbaf803ac84c07403eeebf8f4ebfd';
    const said = Buffer.from('[    1.2] ---[ end Kernel panic - not syncing: no root ]---\r\n\0').toString('hex');
    const parentDisk = await bootSectorDisk('panics.raw', code + said);
    await using host = makeHost();
    await assert.rejects(
      host.launch({ ...request('6'), parentDisk }, { signal: never, monitor: silentMonitor }),
      (error) => error instanceof BuildFailure && /kernel of the guest has panicked: no root$/.test(error.message),
    );
    await assertNothingLeft(request('6').instanceId);
  });

  test('an instance whose launcher was killed is found, for its owner only, and ended', async () => {
    const { instanceId } = request('3');
    const script = `
      import { qemuHost } from ${JSON.stringify(new URL('./qemu-host.ts', import.meta.url).href)};
      const { options, request } = JSON.parse(process.argv[1]);
      const monitor = { line: (source, text) => console.log(source, text) };
      await qemuHost(options).launch(request, { signal: new AbortController().signal, monitor });`;
    const options = { instancesFolder, cacheFolder: join(folder, 'cache'), capacity: { cpus: 1, memoryMiB: 1024 } };
    const argument = JSON.stringify({ options, request: request('3') });
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, argument], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const line of createInterface(child.stdout)) if (line.startsWith('console')) break;
    child.kill('SIGKILL');
    await once(child, 'exit');

    await using host = makeHost();
    assert.deepEqual(await host.list(), [{ instanceId, owner: 'test', running: true, abandoned: true }]);
    assert.match((await host.find(instanceId))?.enterCommand ?? '', /^ssh -i /);
    const path = join(instancesFolder, instanceId);
    for (const name of await readdir(path)) {
      const { mode } = await stat(join(path, name));
      if (name === 'ssh_key') assert.equal(mode & 0o777, 0o600);
    }
    assert.equal((await stat(path)).mode & 0o777, 0o700);
    await host.terminate(instanceId);
    await assertNothingLeft(instanceId);
  });
});

/** Whole as a qcow2, and e2fsck finds nothing to mend on the root partition. */
async function assertCleanDisk(path: string, folder: string): Promise<void> {
  await succeed('qemu-img', ['check', '-q', path]);
  const raw = join(folder, 'captured.raw');
  await succeed('qemu-img', ['convert', '-O', 'raw', path, raw]);
  const file = await open(raw);
  const { buffer } = await file.read(Buffer.alloc(512), 0, 512, 0);
  await file.close();
  // The first entry of the partition table in the master boot record: its first sector.
  const offset = buffer.readUInt32LE(446 + 8) * 512;
  // Exit code 0: no errors; -n: change nothing, ask nothing.
  await succeed('e2fsck', ['-f', '-n', `${raw}?offset=${offset}`]);
  await rm(raw);
}
