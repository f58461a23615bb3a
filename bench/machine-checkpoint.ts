/**
 * Times of checkpoints of a running machine: node bench/machine-checkpoint.ts DISK, a bootable qcow2 with cloud-init. Boots
 * it once, takes three checkpoints, and goes on from the last one three times.
 */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Instance, LaunchRequest } from '../src/build-host/build-host.ts';
import { qemuHost } from '../src/build-host/qemu/qemu-host.ts';
import { capture } from '../src/toe/capture.ts';

const ROUNDS = [1, 2, 3];
const [disk] = process.argv.slice(2);
if (disk === undefined) throw new Error('usage: node bench/machine-checkpoint.ts DISK');

const folder = await mkdtemp(join(tmpdir(), 'kiln-bench-'));
const { signal } = new AbortController();
const context = { signal, monitor: { line: (source: string, text: string) => source === 'kiln' && console.log(text) } };
const host = qemuHost({
  instancesFolder: join(folder, 'instances'),
  cacheFolder: join(folder, 'cache'),
  capacity: { cpus: 2, memoryMiB: 2048 },
});
const launched: string[] = [];

async function launch(path: string, resumeFrom?: string): Promise<Instance> {
  const instanceId = `i-${String(launched.length).padStart(17, '0')}`;
  launched.push(instanceId);
  const request: LaunchRequest = {
    ...{ instanceId, parentDisk: { path, format: 'qcow2' }, instanceTypes: [], extraVolumes: [] },
    ...{ owner: 'bench', timeoutSeconds: 300 },
    ...(resumeFrom === undefined ? {} : { resumeFrom }),
  };
  return host.launch(request, context);
}

async function timed<T>(name: string, work: () => Promise<T>): Promise<T> {
  const begin = performance.now();
  const result = await work();
  console.log(`${name}: ${((performance.now() - begin) / 1000).toFixed(2)} s`);
  return result;
}

async function echo({ target }: Instance): Promise<void> {
  const { code } = await capture(target, { argv: ['true'], signal });
  if (code !== 0) throw new Error('the guest does not answer');
}

try {
  const guest = await timed('cold boot to a shell', () => launch(resolve(disk)));
  const place = (round: number) => ({ disk: join(folder, `${round}.qcow2`), state: join(folder, `state-${round}`) });
  for (const round of ROUNDS) {
    await timed('checkpoint', async () => guest.checkpointMachine?.(place(round), context));
    await timed('command of the guest afterwards', () => echo(guest));
    console.log(`memory: ${((await stat(join(place(round).state, 'memory.zst'))).size / 1e6).toFixed(0)} MB`);
  }
  await host.terminate(launched[0] ?? '');
  const last = place(ROUNDS.at(-1) ?? 0);
  for (const _ of ROUNDS) {
    const resumed = await timed('resume to a shell', () => launch(last.disk, last.state));
    await timed('first command', () => echo(resumed));
    await host.terminate(resumed.instanceId);
  }
} finally {
  for (const instanceId of launched) await host.terminate(instanceId);
  await host[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
}
