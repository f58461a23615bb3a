import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Instance, LaunchRequest } from '../../src/build-host/build-host.ts';
import { qemuHost } from '../../src/build-host/qemu/qemu-host.ts';
import { capture } from '../../src/toe/capture.ts';
import type { Figures } from './goals.ts';
import { median } from './measure.ts';

const ROUNDS = 5;

/** Boots a disk once with 1 GiB, takes checkpoints of it when the boot is over, and goes on from the last one. The figures are medians. */
export async function machineCheckpoints(
  disk: string,
  folder: string,
  note: (figures: Figures) => void,
): Promise<void> {
  await mkdir(folder);
  const { signal } = new AbortController();
  let standstill = 0;
  const line = (_: string, text: string): void => {
    standstill = Number(/it stood still for ([0-9.]+) s/.exec(text)?.[1] ?? standstill);
  };
  const context = { signal, monitor: { line } };
  await using host = qemuHost({
    instancesFolder: join(folder, 'instances'),
    cacheFolder: join(folder, 'cache'),
    capacity: { cpus: 2, memoryMiB: 2048 },
  });
  const launched: string[] = [];
  const launch = async (path: string, resumeFrom?: string): Promise<Instance> => {
    const instanceId = `i-${String(launched.length).padStart(17, '0')}`;
    launched.push(instanceId);
    const request: LaunchRequest = {
      ...{ instanceId, parentDisk: { path, format: 'qcow2' }, instanceTypes: ['t3.micro'], extraVolumes: [] },
      ...{ owner: 'bench', timeoutSeconds: 300 },
      ...(resumeFrom === undefined ? {} : { resumeFrom }),
    };
    return host.launch(request, context);
  };
  const answers = async ({ target }: Instance): Promise<void> => {
    const { code } = await capture(target, { argv: ['true'], signal });
    if (code !== 0) throw new Error('the guest does not answer');
  };
  try {
    const begin = performance.now();
    const guest = await launch(disk);
    note({ 'cold boot': (performance.now() - begin) / 1000 });
    // What is left of the boot keeps all processors busy for a quarter of a minute.
    await capture(guest.target, { argv: ['systemctl', 'is-system-running', '--wait'], signal });
    const place = (round: number) => ({ disk: join(folder, `${round}.qcow2`), state: join(folder, `state-${round}`) });
    const taken: number[] = [];
    const still: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      taken.push(await seconds(async () => guest.checkpointMachine?.(place(round), context)));
      still.push(standstill);
      await answers(guest);
    }
    const last = place(ROUNDS - 1);
    note({ checkpoint: median(taken), 'checkpoint standstill': median(still) });
    note({ 'checkpoint memory MiB': (await stat(join(last.state, 'memory.zst'))).size / 2 ** 20 });
    await host.terminate(launched[0] ?? '');
    const resumed: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      resumed.push(await seconds(async () => answers(await launch(last.disk, last.state))));
      await host.terminate(launched.at(-1) ?? '');
    }
    note({ resume: median(resumed) });
  } finally {
    for (const instanceId of launched) await host.terminate(instanceId);
  }
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return (performance.now() - begin) / 1000;
}
