import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { capture } from '../../../toe/capture.ts';
import type { Target } from '../../../toe/target.ts';
import { run } from '../../../util/spawn.ts';
import type { Instance, LaunchRequest, MachineCheckpoint } from '../../build-host.ts';
import { CheckpointUnusable } from '../../checkpoint-unusable.ts';
import { instanceProcesses } from '../processes.ts';
import { qemuHost } from '../qemu-host.ts';
import { CHECKPOINT_FILES } from './checkpoint-files.ts';

const booted = process.env['KILN_TEST_MACHINE'] ?? '';
const { signal } = new AbortController();

describe('a checkpoint of a running machine', async () => {
  assert.ok(existsSync(booted), 'KILN_TEST_MACHINE must be the state of a machine; `npm test` boots one and sets it');
  const folder = await mkdtemp(join(tmpdir(), 'kiln-checkpoint-'));
  after(() => rm(folder, { recursive: true }));
  const instancesFolder = join(folder, 'instances');
  const options = {
    instancesFolder,
    cacheFolder: join(folder, 'cache'),
    capacity: { cpus: 2, memoryMiB: 4096 },
  };
  const host = qemuHost(options);
  const hostOfLarge = qemuHost({ ...options, backgroundFromMiB: 0 });
  after(() => host[Symbol.asyncDispose]());
  after(() => hostOfLarge[Symbol.asyncDispose]());
  const lines: string[] = [];
  const context = { signal, monitor: { line: (_: string, text: string) => void lines.push(text) } };
  const place = { disk: join(folder, 'frozen.qcow2'), state: join(folder, 'state') };
  const resumed = (digit: string, from: MachineCheckpoint = place): LaunchRequest => ({
    instanceId: `i-${digit.repeat(17)}`,
    parentDisk: { path: from.disk, format: 'qcow2' },
    resumeFrom: from.state,
    instanceTypes: ['t2.small'],
    extraVolumes: [],
    owner: 'test',
    timeoutSeconds: 300,
  });
  async function assertNothingLeft({ instanceId }: LaunchRequest): Promise<void> {
    assert.deepEqual(await instanceProcesses(instanceId, join(instancesFolder, instanceId)), []);
    assert.equal(existsSync(join(instancesFolder, instanceId)), false);
  }
  const counter = 'cat /dev/shm/count /dev/shm/pid /proc/sys/kernel/random/boot_id; ls /root';
  let instance: Instance;
  let bootId = '';
  before(async () => {
    instance = await host.launch(resumed('1', { disk: booted.replace(/machine$/, 'qcow2'), state: booted }), context);
    const count = 'echo $$ >/dev/shm/pid; n=0; while :; do n=$((n + 1)); echo $n >/dev/shm/count; sleep 0.05; done';
    await say(instance.target, `echo kept >/root/before; (setsid sh -c '${count}' >/dev/null 2>&1 &)`);
    await say(instance.target, 'until [ -s /dev/shm/count ]; do sleep 0.05; done');
    bootId = (await say(instance.target, 'cat /proc/sys/kernel/random/boot_id')).trim();
  });

  test('is taken while the guest goes on', async (t) => {
    // Of long ago, for whoever goes on from it.
    await say(instance.target, 'date --set=@1000000000');
    await instance.checkpointMachine?.(place, context);
    t.diagnostic(lines.at(-1) ?? '');
    const first = Number((await say(instance.target, 'cat /dev/shm/count')).trim());
    await say(
      instance.target,
      `until [ "$(cat /dev/shm/count)" -gt ${first} ]; do sleep 0.05; done; echo x >/root/after`,
    );
    assert.equal((await stat(place.state)).mode & 0o077, 0);
    for (const file of Object.values(CHECKPOINT_FILES))
      assert.equal((await stat(join(place.state, file))).mode & 0o077, 0, file);
    const { size } = await stat(join(place.state, CHECKPOINT_FILES.memory));
    t.diagnostic(`memory: ${(size / 1e6).toFixed(0)} MB`);
    assert.ok(size > 1e6);
  });

  test('leaves an instance whose disk is whole, on the frozen one', async () => {
    const { path } = await instance.stopForCapture(context);
    assert.equal((await run('qemu-img', ['check', '-q', path])).code, 0);
    const info = await run('qemu-img', ['info', '--output=json', path]);
    assert.equal(JSON.parse(info.stdout.toString())['backing-filename'], place.disk);
    await host.terminate(instance.instanceId);
    assert.ok(existsSync(place.disk));
  });

  test('is gone on from, with processes, memory and disk of that moment and the clock of now', async (t) => {
    const begin = performance.now();
    const { target, checkpointMachine } = await hostOfLarge.launch(resumed('2'), context);
    t.diagnostic(`resumed to a shell after ${((performance.now() - begin) / 1000).toFixed(2)} s`);
    const [count = '', pid = '', boot = '', ...root] = (await say(target, counter)).trim().split('\n');
    assert.equal(boot, bootId);
    assert.deepEqual(root, ['before']);
    // Else all of its memory is filled with zeros first.
    const [qemu] = await instanceProcesses(resumed('2').instanceId, join(instancesFolder, resumed('2').instanceId));
    assert.match(readFileSync(`/proc/${qemu}/status`, 'utf8'), /^THP_enabled:\s+0$/m);
    await say(target, `kill -0 ${pid}; until [ "$(cat /dev/shm/count)" -gt ${count} ]; do sleep 0.05; done`);
    const skew = Number(await say(target, 'date +%s')) - Date.now() / 1000;
    assert.ok(Math.abs(skew) < 30, `the clock is ${skew} s off`);
    // Again, as of a guest with much memory, which goes on while it is saved.
    const saved = checkpointMachine?.({ disk: join(folder, 'second.qcow2'), state: join(folder, 'second') }, context);
    await say(target, 'sync; echo written >/root/written; sync');
    await saved;
    t.diagnostic(lines.at(-1) ?? '');
    await say(target, 'cat /root/written');
    assert.ok(existsSync(join(folder, 'second', CHECKPOINT_FILES.record)));
    await hostOfLarge.terminate(resumed('2').instanceId);
    await assertNothingLeft(resumed('2'));
  });

  test('is gone on from twice at once: each draws random numbers of its own, and it stays as it was', async () => {
    const kept = [place.disk, ...Object.values(CHECKPOINT_FILES).map((file) => join(place.state, file))];
    const digests = (): readonly string[] =>
      kept.map((path) => createHash('sha256').update(readFileSync(path)).digest('hex'));
    const before = digests();
    const requests = [resumed('5'), resumed('6')];
    const instances = await Promise.all(requests.map((one) => host.launch(one, context)));
    // Each read is a draw of its own: one guest may have drawn more than the other before.
    const draws = 'dd if=/dev/urandom bs=16 count=64 status=none | od -An -v -tx1 -w16';
    const drawn = await Promise.all(
      instances.map(async ({ target }) => {
        const [count = '', , boot] = (await say(target, counter)).trim().split('\n');
        assert.equal(boot, bootId);
        await say(target, `until [ "$(cat /dev/shm/count)" -gt ${count} ]; do sleep 0.05; done; sync`);
        return (await say(target, draws)).trim().split('\n');
      }),
    );
    assert.deepEqual(
      drawn.map((lines) => lines.length),
      [64, 64],
    );
    assert.equal(new Set(drawn.flat()).size, 128);
    for (const one of requests) {
      await host.terminate(one.instanceId);
      await assertNothingLeft(one);
    }
    assert.deepEqual(digests(), before);
  });

  /** A copy of the checkpoint with something wrong about it. */
  async function spoilt(name: string, spoil: (state: string) => Promise<void>): Promise<string> {
    const state = join(folder, name);
    await cp(place.state, state, { recursive: true });
    await spoil(state);
    return state;
  }
  async function alter(state: string, of: Readonly<Record<string, string>>): Promise<void> {
    const path = join(state, CHECKPOINT_FILES.record);
    const record = JSON.parse(await readFile(path, 'utf8'));
    await writeFile(path, JSON.stringify({ ...record, fingerprint: { ...record.fingerprint, ...of } }));
  }
  const cases: Readonly<
    Record<string, readonly [CheckpointUnusable['kind'], RegExp, (state: string) => Promise<void>]>
  > = {
    'without its end': [
      'damaged',
      /its memory has \d+ bytes of \d+/,
      (state) => truncate(join(state, CHECKPOINT_FILES.memory), 1_000_000),
    ],
    'with a hole in it': [
      'damaged',
      /cannot be loaded/,
      async (state) => {
        const file = await open(join(state, CHECKPOINT_FILES.memory), 'r+');
        await file.write(Buffer.alloc(4096), 0, 4096, 3_000_000);
        await file.close();
      },
    ],
    'that was never finished': ['damaged', /it is not whole/, (state) => rm(join(state, CHECKPOINT_FILES.record))],
    'of another QEMU': [
      'foreign',
      /qemu was QEMU 1\.0 and is QEMU emulator/,
      (state) => alter(state, { qemu: 'QEMU 1.0' }),
    ],
    'of another processor': ['foreign', /cpuModel was z80 and is /, (state) => alter(state, { cpuModel: 'z80' })],
  };
  for (const [name, [kind, message, spoil]] of Object.entries(cases)) {
    test(`one ${name} is refused as such, and nothing is left`, async () => {
      const state = await spoilt(name.replaceAll(' ', '-'), spoil);
      await assert.rejects(
        host.launch(resumed('3', { disk: place.disk, state }), context),
        (error) => error instanceof CheckpointUnusable && error.kind === kind && message.test(error.message),
      );
      await assertNothingLeft(resumed('3'));
    });
  }

  test('an abort on the way from one leaves nothing', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const monitor = { line: (_: string, text: string) => text.startsWith('resuming') && controller.abort(reason) };
    const launching = host.launch(resumed('4'), { signal: controller.signal, monitor });
    await assert.rejects(launching, (error) => error === reason);
    await assertNothingLeft(resumed('4'));
  });
});

async function say(target: Target, script: string): Promise<string> {
  const { code, stdout, stderr } = await capture(target, { argv: ['sh', '-c', script], signal });
  assert.equal(code, 0, `${script}: ${stderr}`);
  return stdout;
}
