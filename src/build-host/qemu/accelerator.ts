import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Monitor } from '../../util/monitor.ts';
import { run } from '../../util/spawn.ts';
import { PROBE_GUEST, PROBE_GUEST_EXIT_CODE } from './probe-guest/probe-guest.ts';
import type { QemuPrograms } from './programs.ts';
import { CPU_MODELS } from './qemu-command.ts';

/** What runs guest code: the processor itself, or QEMU's translator. */
export type Accelerator = 'kvm' | 'tcg';

export interface AcceleratorOptions {
  readonly programs: QemuPrograms;
  /** QEMU's own words, of {@link qemuVersion}. */
  readonly version: string;
  /** Where the answer is kept. */
  readonly cacheFolder: string;
  readonly signal: AbortSignal;
  readonly monitor: Monitor;
}

/** The probe guest needs a quarter of a second even when QEMU translates it. */
const PROBE_MS = 3_000;

/**
 * Finds out whether guest code really runs under KVM, by running some: there are hosts on which the device opens and
 * machines are made, and then no guest gets anywhere. The answer holds for this boot of the host and this QEMU and is
 * kept in the cache folder.
 */
export async function findAccelerator(options: AcceleratorOptions): Promise<Accelerator> {
  const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  const { version } = options;
  const key = { qemu: options.programs.qemuSystem, version, bootId, cpuModel: CPU_MODELS.kvm };
  const file = join(options.cacheFolder, 'accelerator.json');
  const known = await readAnswer(file, key);
  if (known !== undefined) return known;

  await mkdir(options.cacheFolder, { recursive: true, mode: 0o700 });
  const why = await whyNoKvm(options);
  const accelerator = why === undefined ? 'kvm' : 'tcg';
  options.monitor.line(
    'kiln',
    why === undefined
      ? 'KVM works on this host'
      : `KVM is not usable here (${why}): guests are emulated, which is slower`,
  );
  await writeFile(`${file}.${process.pid}`, JSON.stringify({ ...key, accelerator }), { mode: 0o600 });
  await rename(`${file}.${process.pid}`, file);
  return accelerator;
}

async function readAnswer(file: string, key: Readonly<Record<string, string>>): Promise<Accelerator | undefined> {
  try {
    const answer: Readonly<Record<string, unknown>> = JSON.parse(await readFile(file, 'utf8'));
    if (Object.entries(key).some(([name, value]) => answer[name] !== value)) return undefined;
    return answer['accelerator'] === 'kvm' || answer['accelerator'] === 'tcg' ? answer['accelerator'] : undefined;
  } catch {
    // None yet, or not one that we understand: probing again costs seconds at most.
    return undefined;
  }
}

/** Undefined when a guest ran; else what came in the way. */
async function whyNoKvm({ programs, cacheFolder, signal }: AcceleratorOptions): Promise<string | undefined> {
  const folder = await mkdtemp(join(cacheFolder, 'probe-'));
  const limit = AbortSignal.timeout(PROBE_MS);
  try {
    await writeFile(join(folder, 'guest.img'), PROBE_GUEST);
    const result = await run(programs.qemuSystem, probeArguments('kvm'), {
      cwd: folder,
      signal: AbortSignal.any([signal, limit]),
    });
    if (result.code === PROBE_GUEST_EXIT_CODE) return undefined;
    return result.stderr.toString().trim().split('\n').at(-1) || `QEMU ended with ${result.code ?? result.signal}`;
  } catch (error) {
    signal.throwIfAborted();
    if (limit.aborted) return `a guest did not get to its end within ${PROBE_MS / 1000} s`;
    throw error;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The machine that runs the probe guest from `guest.img` in the working directory. */
export function probeArguments(accelerator: Accelerator): readonly string[] {
  return [
    ...['-no-user-config', '-nodefaults', '-display', 'none', '-sandbox', 'on,spawn=deny'],
    ...['-machine', 'pc', '-accel', accelerator, '-cpu', CPU_MODELS[accelerator], '-m', '64'],
    ...['-device', 'isa-debug-exit,iobase=0xf4,iosize=1'],
    ...['-drive', 'file=guest.img,format=raw,if=ide'],
  ];
}
