import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, readFile, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { setBackingName } from '../../image-store/files/backing-name.ts';
import { capture } from '../../toe/capture.ts';
import { describeTarget } from '../../toe/target.suite.ts';
import { RebootRefusedError, type Target } from '../../toe/target.ts';
import { BuildFailure } from '../../util/faults.ts';
import { silentMonitor } from '../../util/monitor.ts';
import { run } from '../../util/spawn.ts';
import type { LaunchRequest } from '../build-host.ts';
import { instanceProcesses, killInstance } from '../qemu/processes.ts';
import { type DirectHost, directHost } from './direct-host.ts';
import type { DirectInstance } from './direct-instance.ts';
import { NeedsBoot } from './needs-boot.ts';

const base = process.env['KILN_TEST_BASE'] ?? '';
const context = { signal: new AbortController().signal, monitor: silentMonitor };
const capacity = { cpus: 2, memoryMiB: 4096 };

describe('mounted disks', async () => {
  assert.ok(existsSync(base), 'KILN_TEST_BASE must be the path of a bootable qcow2; `npm test` makes one and sets it');
  const folder = await mkdtemp(join(tmpdir(), 'kiln-direct-'));
  const instancesFolder = join(folder, 'instances');
  after(() => rm(folder, { recursive: true }));
  const makeHost = (): DirectHost => directHost({ instancesFolder, capacity });
  const request = (digit: string): LaunchRequest => ({
    instanceId: `i-${digit.repeat(17)}`,
    parentDisk: { path: base, format: 'qcow2' },
    instanceTypes: [],
    extraVolumes: [],
    owner: 'test',
    timeoutSeconds: 60,
  });
  async function assertNothingLeft(instanceId: string): Promise<void> {
    const path = join(instancesFolder, instanceId);
    assert.deepEqual(await instanceProcesses(instanceId, path), []);
    assert.equal(existsSync(path), false);
    assert.doesNotMatch(await readFile('/proc/self/mountinfo', 'utf8'), new RegExp(instanceId));
  }

  describe('an instance', () => {
    const host = makeHost();
    let instance: DirectInstance;
    before(async () => {
      instance = await host.launch(request('1'), context);
    });
    after(() => host[Symbol.asyncDispose]());
    const say = (script: string): Promise<string> => output(instance.target, script);

    describeTarget('mounted disk', {
      bigStreamBytes: 64 * 1024 * 1024,
      makeTarget: async () => ({ target: instance.target, release: async () => {} }),
    });

    test('is the root file system of the parent, writable, with nothing of the host', async () => {
      assert.match(await say('cat /etc/os-release'), /Debian/);
      assert.equal(
        await say('touch /var/x && rm /var/x; hostname; umask; pwd; echo $HOME'),
        `${request('1').instanceId}\n0022\n/root\n/root\n`,
      );
      assert.equal(
        await say('ls /dev | tr "\\n" " "'),
        'fd full null ptmx pts random shm stderr stdin stdout tty urandom zero ',
      );
      assert.doesNotMatch(await readFile('/proc/self/mountinfo', 'utf8'), /i-1{17}/);
    });

    test('has a network outwards only', async () => {
      assert.match(
        await say('ip route; cat /etc/resolv.conf'),
        /^default via 10\.0\.2\.2 [\s\S]*nameserver 10\.0\.2\.3/,
      );
    });

    test('takes down what only a running system could obey, and tells the caller that it failed', async () => {
      const { unbooted } = instance;
      assert.deepEqual(await unbooted.caught(context.signal), []);
      assert.equal(
        await say(
          'systemctl start cron || true; reboot; sysctl -w vm.swappiness=1; mount /dev/sda1 /mnt; /sbin/modprobe loop; :',
        ),
        '',
      );
      assert.equal(await say('su nobody -s /bin/sh -c "systemctl --now enable cron"; service cron restart; :'), '');
      const all = [
        'systemctl start',
        'reboot',
        'sysctl -w',
        'mount /dev/sda1',
        'modprobe loop',
        'systemctl --now',
        'service cron',
      ];
      assert.deepEqual(
        await unbooted.caught(context.signal),
        all.map((line) => line.replace(/ (-w|\/dev.*|loop|cron)$/, '')),
      );
    });

    test('enables services and tells what is enabled, which is done with files', async () => {
      await instance.unbooted.checkpoint(context.signal);
      assert.match(
        await say(
          'systemctl disable apt-daily.timer 2>&1; systemctl is-enabled apt-daily.timer; systemctl daemon-reload; systemctl enable apt-daily.timer 2>&1',
        ),
        /disabled[\s\S]*Created symlink/,
      );
      assert.equal(await say('DPKG_MAINTSCRIPT_PACKAGE=x invoke-rc.d cron start && echo denied'), 'denied\n');
      assert.deepEqual(await instance.unbooted.caught(context.signal), []);
    });

    test('cannot be rebooted, nor launched a second time', async () => {
      await assert.rejects(instance.target.reboot(context.signal), RebootRefusedError);
      await assert.rejects(host.launch(request('1'), context));
      assert.equal(await say('echo alive'), 'alive\n');
    });

    test('lets a person in, is found and listed', async () => {
      const result = await run('sh', ['-c', `${instance.enterCommand} echo hello`]);
      assert.equal(result.stdout.toString(), 'hello\n', result.stderr.toString());
      assert.equal(await host.find(instance.instanceId), instance);
      assert.deepEqual(await host.list(), [
        { instanceId: instance.instanceId, owner: 'test', running: true, abandoned: false },
      ]);
    });

    test('is behind a checkpoint as whoever goes on from that finds it: files, and nothing that ran', async () => {
      await say('echo JAVA_HOME=/opt/jdk >> /etc/environment; touch /run/flag /dev/shm/flag /root/flag');
      await say('(sleep 1000 & echo $! > /root/sleeper) >/dev/null 2>&1 </dev/null');
      assert.equal(await say('echo $JAVA_HOME; kill -0 $(cat /root/sleeper) && echo sleeps'), '\nsleeps\n');
      await instance.unbooted.checkpoint(context.signal);
      assert.equal(
        await say(
          'echo $JAVA_HOME; ls /run/flag /dev/shm/flag /root/flag 2>/dev/null; grep -la "^sleep" /proc/[0-9]*/cmdline; :',
        ),
        '/opt/jdk\n/root/flag\n',
      );
      assert.match(await say('ip route; getent hosts localhost'), /^default via 10\.0\.2\.2 /);
      assert.deepEqual(await instance.unbooted.caught(context.signal), []);
    });

    test('gives up its disk, clean, with what all checkpoints hold', async () => {
      await say('echo one > /root/one');
      await instance.unbooted.checkpoint(context.signal);
      await say('echo two > /root/two; rm /root/one; (while :; do date > /root/busy; done) &');
      await instance.unbooted.checkpoint(context.signal);
      await say('echo three > /root/three');
      const { path } = await instance.stopForCapture(context);
      await assertCleanDisk(path, folder);
      assert.deepEqual(await host.list(), [
        { instanceId: instance.instanceId, owner: 'test', running: false, abandoned: false },
      ]);

      const parent = { parentDisk: { path, format: 'qcow2' } } as const;
      await using other = directHost({ instancesFolder: join(folder, 'others'), capacity });
      const next = await other.launch({ ...request('2'), ...parent }, context);
      assert.equal(
        await output(next.target, 'cat /root/two /root/three; ls /root/one 2>/dev/null; ls -A /run/kiln'),
        'two\nthree\ncaught\nreal\n',
      );
      // What was mounted over is as it was, and nothing was put beside it.
      const whole =
        '[ ! -e /usr/sbin/policy-rc.d ]; grep -c "^$(md5sum < /run/kiln/real/systemctl | cut -c1-32)" /var/lib/dpkg/info/systemd.md5sums';
      assert.equal(await output(next.target, whole), '1\n');
    });

    test('is ended without a trace, and again without complaint', async () => {
      await host.terminate(instance.instanceId);
      await assertNothingLeft(instance.instanceId);
      await host.terminate(instance.instanceId);
      assert.deepEqual(await host.list(), []);
    });
  });

  test('rolled back, the disk is as it was at the last checkpoint, or as the parent', async () => {
    await using host = makeHost();
    const first = await host.launch(request('3'), context);
    await output(first.target, 'echo kept > /root/kept');
    await first.unbooted.checkpoint(context.signal);
    await output(first.target, 'echo gone > /root/gone; rm -rf /etc/apt');
    const { path } = await first.rollBack(context.signal);
    await assertCleanDisk(path, folder);
    const second = await host.launch({ ...request('4'), parentDisk: { path, format: 'qcow2' } }, context);
    assert.equal(await output(second.target, 'cat /root/*; ls -d /etc/apt'), 'kept\n/etc/apt\n');
    const { path: unchanged } = await second.rollBack(context.signal);
    const info = await run('qemu-img', ['info', '-U', '--output=json', unchanged]);
    assert.equal(JSON.parse(info.stdout.toString())['backing-filename'], path);
  });

  test('overlays kept at checkpoints stay, whatever becomes of the instance, and another goes on from them', async () => {
    await using host = makeHost();
    const first = await host.launch(request('3'), context);
    const keep = (name: string): string => join(folder, 'a-place-with-a-long-name-for-overlays', `${name}.qcow2`);
    await mkdir(join(folder, 'a-place-with-a-long-name-for-overlays'));
    await output(first.target, 'echo one > /root/one');
    await first.unbooted.checkpoint(context.signal, keep('one'));
    // Its name for what it is on may change while the instance reads it.
    await setBackingName(keep('one'), basename(base));
    await symlink(base, join(folder, 'a-place-with-a-long-name-for-overlays', basename(base)));
    await output(first.target, 'echo two > /root/two');
    await first.unbooted.checkpoint(context.signal, keep('two'));
    await output(first.target, 'echo gone > /root/gone');
    const { path } = await first.rollBack(context.signal);
    const info = await run('qemu-img', ['info', '-U', '--output=json', path]);
    assert.equal(JSON.parse(info.stdout.toString())['backing-filename'], keep('two'));
    await host.terminate(first.instanceId);
    assert.equal((await run('qemu-img', ['check', '-q', keep('two')])).code, 0);

    const second = await host.launch({ ...request('4'), parentDisk: { path: keep('two'), format: 'qcow2' } }, context);
    assert.equal(await output(second.target, 'cat /root/*'), 'one\ntwo\n');
    await output(second.target, 'echo three > /root/three');
    const captured = await second.stopForCapture(context);
    await assertCleanDisk(captured.path, folder);
    const third = await host.launch({ ...request('5'), parentDisk: { path: keep('one'), format: 'qcow2' } }, context);
    assert.equal(await output(third.target, 'cat /root/*'), 'one\n');
  });

  test('disks and requests that need a machine are refused as such', async () => {
    await using host = makeHost();
    const path = join(folder, 'empty.qcow2');
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', path, '16M']);
    const unknown = join(folder, 'unknown.raw');
    await makeDiskOfUnknownFeatures(unknown);
    await assert.rejects(
      host.launch({ ...request('5'), parentDisk: { path: unknown, format: 'raw' } }, context),
      (error) => error instanceof NeedsBoot && /file system cannot be mounted here \(.*mount/.test(error.message),
    );
    await assertNothingLeft(request('5').instanceId);
    const cases: readonly Partial<LaunchRequest>[] = [
      { parentDisk: { path, format: 'qcow2' } },
      { userData: Buffer.from('#!/bin/sh\n') },
      { extraVolumes: [{ deviceName: '/dev/xvdb', sizeGiB: 1 }] },
      { rootVolumeSizeGiB: 500 },
      { instanceTypes: ['no-such.type'] },
    ];
    for (const wish of cases) await assert.rejects(host.launch({ ...request('5'), ...wish }, context), NeedsBoot);
    await assertNothingLeft(request('5').instanceId);
  });

  test('what was deleted takes no room in a disk that is captured, nor in an overlay that is kept', async () => {
    await using host = makeHost();
    const instance = await host.launch(request('a'), context);
    const comeAndGo = 'head -c 200M /dev/urandom > /root/big; sync; rm /root/big';
    const used = async (path: string): Promise<number> => (await stat(path)).blocks * 512;
    await output(instance.target, comeAndGo);
    const kept = join(folder, 'trimmed.qcow2');
    await instance.unbooted.checkpoint(context.signal, kept);
    assert.ok((await used(kept)) < 50 * 2 ** 20, `${await used(kept)} bytes`);
    await output(instance.target, comeAndGo);
    const captured = await instance.stopForCapture(context);
    assert.ok((await used(captured.path)) < 50 * 2 ** 20, `${await used(captured.path)} bytes`);
  });

  test('processes that are all killed with much to be written let go of the disk', async () => {
    await using host = makeHost();
    const { instanceId } = request('8');
    const { target } = await host.launch(request('8'), context);
    // Less than what the kernel begins to write by itself.
    await output(target, 'head -c 100M /dev/zero | tr "\\0" x > /root/unwritten');
    await killInstance(instanceId, join(instancesFolder, instanceId));
    assert.doesNotMatch((await run('losetup', ['--list', '--noheadings'])).stdout.toString(), /disk\.raw/);
    await host.terminate(instanceId);
    await assertNothingLeft(instanceId);
  });

  test('a file system is mounted where its daemon does not see it', async () => {
    await using host = makeHost();
    const { instanceId } = request('9');
    await host.launch(request('9'), context);
    const folder = join(instancesFolder, instanceId);
    const seen = await Promise.all(
      (await instanceProcesses(instanceId, folder)).map(async (pid) => ({
        isDaemon: (await readFile(`/proc/${pid}/cmdline`, 'utf8')).includes('qemu-storage-daemon'),
        mounts: (await readFile(`/proc/${pid}/mounts`, 'utf8')).includes(`${folder}/root ext4`),
      })),
    );
    assert.deepEqual([...new Set(seen.filter(({ isDaemon }) => isDaemon).map(({ mounts }) => mounts))], [false]);
    assert.ok(seen.some(({ mounts }) => mounts));
  });

  test('an abort leaves nothing', async () => {
    await using host = makeHost();
    const controller = new AbortController();
    const reason = new BuildFailure('enough');
    const launching = host.launch(request('6'), { ...context, signal: controller.signal });
    setImmediate(() => controller.abort(reason));
    await assert.rejects(launching, (error) => error === reason);
    await assertNothingLeft(request('6').instanceId);
  });

  test('what a killed process leaves is no longer running, and is ended', async () => {
    const { instanceId } = request('7');
    const script = `
      import { directHost } from ${JSON.stringify(new URL('./direct-host.ts', import.meta.url).href)};
      const { options, request } = JSON.parse(process.argv[1]);
      const monitor = { line: () => {} };
      const instance = await directHost(options).launch(request, { signal: new AbortController().signal, monitor });
      const stdout = (chunk) => process.stdout.write(chunk);
      await instance.target.run({ argv: ['sh', '-c', 'echo up; while :; do date > /root/busy; done'], signal: new AbortController().signal, onStdout: stdout });`;
    const argument = JSON.stringify({ options: { instancesFolder, capacity }, request: request('7') });
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, argument], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const line of createInterface(child.stdout)) if (line === 'up') break;
    child.kill('SIGKILL');
    await once(child, 'exit');

    await using host = makeHost();
    assert.deepEqual(await host.list(), [{ instanceId, owner: 'test', running: false, abandoned: true }]);
    assert.equal(await host.find(instanceId), undefined);
    await host.terminate(instanceId);
    await assertNothingLeft(instanceId);
    assert.doesNotMatch((await run('losetup', ['--list', '--noheadings'])).stdout.toString(), /disk\.raw/);
  });
});

async function output(target: Target, script: string): Promise<string> {
  const { code, stdout, stderr } = await capture(target, { argv: ['sh', '-c', script], signal: context.signal });
  assert.equal(code, 0, `${script}: ${stderr}`);
  return stdout;
}

/** Whole as a qcow2, and e2fsck finds nothing to mend on the root partition. */
async function assertCleanDisk(path: string, folder: string): Promise<void> {
  assert.equal((await run('qemu-img', ['check', '-q', path])).code, 0);
  const raw = join(folder, 'captured.raw');
  assert.equal((await run('qemu-img', ['convert', '-O', 'raw', path, raw])).code, 0);
  const file = await open(raw);
  const { buffer } = await file.read(Buffer.alloc(512), 0, 512, 0);
  await file.close();
  const offset = buffer.readUInt32LE(446 + 8) * 512;
  const check = await run('e2fsck', ['-f', '-n', `${raw}?offset=${offset}`]);
  assert.equal(check.code, 0, check.stdout.toString());
  await rm(raw);
}

/** A disk with one partition of ext4, which says that it has features that no kernel knows. */
async function makeDiskOfUnknownFeatures(path: string): Promise<void> {
  const start = 2048 * 512;
  await using file = await open(path, 'wx+');
  await file.truncate(16 * 2 ** 20);
  const { code } = await run('mke2fs', ['-q', '-t', 'ext4', '-F', '-E', `offset=${start}`, path, '12M']);
  assert.equal(code, 0);
  const record = Buffer.alloc(512);
  record.writeUInt8(0x83, 446 + 4);
  record.writeUInt32LE(2048, 446 + 8);
  record.writeUInt32LE((12 * 2 ** 20) / 512, 446 + 12);
  record.writeUInt16LE(0xaa55, 510);
  await file.write(record, 0, 512, 0);
  // s_feature_incompat of the superblock, which lies 1 KiB into the file system.
  await file.write(Buffer.from([0, 0, 0, 0x80]), 0, 4, start + 1024 + 0x60);
}
