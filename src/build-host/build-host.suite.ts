import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { describeTarget } from '../toe/target.suite.ts';
import type { Target } from '../toe/target.ts';
import { BuildFailure } from '../util/faults.ts';
import type { LineSource, Monitor } from '../util/monitor.ts';
import { run } from '../util/spawn.ts';
import type { BuildHost, Instance, LaunchRequest, ParentDisk } from './build-host.ts';

const MIB = 2 ** 20;

export interface BuildHostSuite {
  /** Another host object on the same place: what it knows of instances, it has found. */
  makeHost(): BuildHost & AsyncDisposable;
  /** A small Linux with cloud-init. */
  readonly parentDisk: ParentDisk;
  /** A disk on which nothing boots, but which makes the console say something. */
  readonly deadDisk: ParentDisk;
  /**
   * Whether instances go through the target suite here. Over an emulated machine that takes minutes, so a driver whose
   * target passes it elsewhere says no.
   */
  readonly runsTargetSuite: boolean;
  /** Whether instances have disks of their own: what a test does to a disk would else be done to this machine's. */
  readonly hasDisks: boolean;
  /** Seconds that a boot may take here. */
  readonly bootSeconds: number;
  /** Throws when anything of an instance is left on the host. */
  assertNothingLeft(instanceId: string): Promise<void>;
  /** Throws when a captured disk is not whole, or a file system on it not clean. */
  assertCleanDisk(path: string): Promise<void>;
}

/** Leaves blocks that were written and are free; on a system that does not give them back by itself. */
async function writeAndDelete(target: Target): Promise<void> {
  const script = 'mount -o remount,nodiscard / && yes | head -c 100M > /var/big; sync /var/big; rm /var/big';
  await output(target, ['sh', '-c', script]);
}

async function assertGivenBack(path: string): Promise<void> {
  const { size, blocks } = await stat(path);
  assert.ok(size > 100 * MIB, `it was there: ${size} bytes`);
  assert.ok(blocks * 512 < size - 75 * MIB, `it was given back: ${blocks * 512} of ${size} bytes are in use`);
}

const GIB = 1024 ** 3;
const never = new AbortController().signal;

/** The promises of {@link BuildHost}, which every driver runs. A boot is slow, so most checks share one instance. */
export function describeBuildHost(name: string, suite: BuildHostSuite): void {
  describe(`build host: ${name}`, () => {
    describe('an instance', () => {
      const host = suite.makeHost();
      const monitor = recordingMonitor();
      const request: LaunchRequest = {
        ...bareRequest(suite.parentDisk, suite.bootSeconds),
        instanceTypes: ['no-such.type', 't2.small'],
        extraVolumes: [{ deviceName: '/dev/xvdb', sizeGiB: 3 }],
        rootVolumeSizeGiB: 12,
        userData: Buffer.from(USER_DATA),
      };
      let instance: Instance;
      const listed = async () =>
        (await host.list()).map(({ instanceId, owner, running }) => ({ instanceId, owner, running }));
      before(async () => {
        instance = await host.launch(request, { signal: never, monitor });
      });
      after(async () => {
        await host.terminate(request.instanceId);
        await host[Symbol.asyncDispose]();
      });

      test('has run the user data before it takes commands, whatever keys that sets', async () => {
        assert.equal(await output(instance.target, ['cat', '/root/from-user-data']), 'as written, with "quotes": é\n');
        // As the user wrote it, with nothing around it.
        const kept = ['cat', '/var/lib/cloud/instance/user-data.txt'] as const;
        assert.equal(await output(instance.target, kept), USER_DATA);
      });

      test('has the root volume of the size asked for, grown to its end', async () => {
        const bytes = await output(instance.target, ['sh', '-c', 'df -B1 --output=size / | tail -n 1']);
        assert.ok(Number(bytes) > 11 * GIB, bytes);
      });

      test('has the further volumes, each with its device name as serial', async () => {
        const script =
          'for s in /sys/block/*/serial; do cat "$s"; echo; done; blockdev --getsize64 /dev/disk/by-id/*xvdb';
        const seen = (await output(instance.target, ['sh', '-c', script])).split('\n');
        assert.ok(seen.includes('xvdb') && seen.includes(String(3 * GIB)), seen.join());
      });

      test('reaches the network', async () => {
        assert.match(await output(instance.target, ['ip', 'route']), /^default via /m);
      });

      test('has told its console', () => {
        assert.ok(monitor.linesOf('console').length > 0);
      });

      test('is listed as running with its owner', async () => {
        assert.deepEqual(await listed(), [{ instanceId: request.instanceId, owner: request.owner, running: true }]);
      });

      test('cannot be launched a second time, and lives on', async () => {
        await assert.rejects(host.launch(request, { signal: never, monitor }));
        assert.equal(await output(instance.target, ['echo', 'alive']), 'alive\n');
      });

      test('lets a person in', async () => {
        const result = await run('sh', ['-c', `${instance.enterCommand} echo hello`], { keepBytes: 4096 });
        assert.equal(result.stdout.toString(), 'hello\n', result.stderr.toString());
      });

      test('is found by another host object, which can use it', async () => {
        await using other = suite.makeHost();
        const found = await other.find(request.instanceId);
        assert.ok(found !== undefined);
        assert.equal(await output(found.target, ['echo', 'found']), 'found\n');
      });

      if (suite.runsTargetSuite) {
        describeTarget(`${name} instance`, {
          bigStreamBytes: 8 * 1024 * 1024,
          makeTarget: async () => ({ target: instance.target, release: async () => {} }),
        });
      }

      test('survives a reboot, after which a command that was running is lost', async () => {
        const bootId = ['cat', '/proc/sys/kernel/random/boot_id'] as const;
        const old = await output(instance.target, bootId);
        const running = instance.target.run({ argv: ['sleep', '3600'], signal: never });
        running.catch(() => {});
        await instance.target.reboot(never);
        await assert.rejects(running, { name: 'TargetLostError' });
        assert.notEqual(await output(instance.target, bootId), old);
      });

      test('gives up its disk with clean file systems', async () => {
        await output(instance.target, ['sh', '-c', 'echo kept > /root/kept; (while :; do date > /root/busy; done) &']);
        if (suite.hasDisks) await writeAndDelete(instance.target);
        const { path } = await instance.stopForCapture({ signal: never, monitor });
        if (suite.hasDisks) await assertGivenBack(path);
        await suite.assertCleanDisk(path);
        assert.deepEqual(await listed(), [{ instanceId: request.instanceId, owner: request.owner, running: false }]);
      });

      test('is ended without a trace, and again without complaint', async () => {
        await host.terminate(request.instanceId);
        await suite.assertNothingLeft(request.instanceId);
        await host.terminate(request.instanceId);
        assert.equal(await host.find(request.instanceId), undefined);
        assert.deepEqual(await host.list(), []);
      });
    });

    test('an abort during the boot leaves nothing', async () => {
      await using host = suite.makeHost();
      const controller = new AbortController();
      const reason = new Error('enough');
      const request = bareRequest(suite.deadDisk, 60);
      const monitor: Monitor = { line: (source) => source === 'console' && controller.abort(reason) };
      await assert.rejects(host.launch(request, { signal: controller.signal, monitor }), (error) => error === reason);
      await suite.assertNothingLeft(request.instanceId);
    });

    test('a guest that never answers fails the build with the last lines of its console', async () => {
      await using host = suite.makeHost();
      const request = bareRequest(suite.deadDisk, 3);
      await assert.rejects(
        host.launch(request, { signal: never, monitor: recordingMonitor() }),
        (error) =>
          error instanceof BuildFailure &&
          /did not answer within 3 s/.test(error.message) &&
          /boot/i.test(error.message),
      );
      await suite.assertNothingLeft(request.instanceId);
    });

    test('a root volume smaller than the parent is the fault of the build', async () => {
      await using host = suite.makeHost();
      const request = { ...bareRequest(suite.parentDisk, 60), rootVolumeSizeGiB: 1 };
      await assert.rejects(host.launch(request, { signal: never, monitor: recordingMonitor() }), BuildFailure);
      await suite.assertNothingLeft(request.instanceId);
    });

    test('instance types that the host does not know are the fault of the build', async () => {
      await using host = suite.makeHost();
      const request = { ...bareRequest(suite.deadDisk, 60), instanceTypes: ['z9.mega', 'm6g.large'] };
      await assert.rejects(
        host.launch(request, { signal: never, monitor: recordingMonitor() }),
        (error) => error instanceof BuildFailure && /z9\.mega, m6g\.large/.test(error.message),
      );
      await suite.assertNothingLeft(request.instanceId);
    });
  });
}

/** Takes the login key, forbids root and asks for what cloud-init does last: none of it may keep Kiln out. */
const USER_DATA = `#cloud-config
disable_root: true
ssh_authorized_keys: []
runcmd:
  - ['sh', '-c', 'echo ''as written, with "quotes": é'' > /root/from-user-data']
`;

function bareRequest(parentDisk: ParentDisk, timeoutSeconds: number): LaunchRequest {
  return {
    instanceId: `i-${randomBytes(9).toString('hex').slice(1)}`,
    parentDisk,
    instanceTypes: [],
    extraVolumes: [],
    owner: 'arn:aws:imagebuilder:us-east-1:123456789012:image/suite, a test/1.0.0/1',
    timeoutSeconds,
  };
}

function recordingMonitor(): Monitor & { linesOf(source: LineSource): readonly string[] } {
  const lines: { readonly source: LineSource; readonly text: string }[] = [];
  return {
    line: (source, text) => lines.push({ source, text }),
    linesOf: (source) => lines.filter((line) => line.source === source).map((line) => line.text),
  };
}

async function output(target: Target, argv: readonly [string, ...string[]]): Promise<string> {
  let text = '';
  const { code } = await target.run({
    argv,
    signal: never,
    onStdout: (chunk) => {
      text += chunk.toString();
    },
  });
  assert.equal(code, 0, argv.join(' '));
  return text;
}
