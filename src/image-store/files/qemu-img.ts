import { statfs } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { BuilderFault, coerceError } from '../../util/faults.ts';
import { run } from '../../util/spawn.ts';
import { storageFault, systemErrorIn } from './storage-fault.ts';

const FULL_BELOW_BYTES = 1024 * 1024;

export interface QemuImgOptions {
  readonly signal: AbortSignal;
  /** What is being done, for errors: `Export of ami-…`. */
  readonly action: string;
  /** The file that is read or written, for errors. */
  readonly file: string;
  /** Caps memory and processor time, for files that others made. */
  readonly untrusted?: boolean;
  /** Leaves the processors to others, where they want them. */
  readonly background?: boolean;
  /** Of what it prints, bytes. Default 1 MiB. */
  readonly keepBytes?: number;
}

/** Enough for any real image; qemu-img with a made-up header can ask for a lot more. */
const UNTRUSTED_LIMITS = ['prlimit', '--as=4294967296', '--core=0'];
const BACKGROUND = ['nice', '-n', '10'];

/**
 * Runs qemu-img.
 * @throws BuilderFault with the program's own words; for a full disk it says so.
 */
export async function qemuImg(args: readonly string[], options: QemuImgOptions): Promise<string> {
  const { signal, keepBytes } = options;
  const wrapper = [...(options.background ? BACKGROUND : []), ...(options.untrusted ? UNTRUSTED_LIMITS : [])];
  const [program = 'qemu-img', ...rest] = [...wrapper, 'qemu-img', ...args];
  const result = await run(program, rest, { signal, ...(keepBytes === undefined ? {} : { keepBytes }) }).catch(
    (error: unknown) => {
      if (coerceError(error).message.includes('ENOENT')) throw missingQemuImg(program, error);
      throw error;
    },
  );
  if (result.code === 0) return result.stdout.toString();
  const stderr = result.stderr.toString().trim();
  // The wrapper starts, and finds no qemu-img to run.
  if (result.code === 127) throw missingQemuImg('qemu-img', undefined);
  const code = systemErrorIn(stderr) ?? ((await isFull(options.file)) ? 'ENOSPC' : undefined);
  const cause = new Error(stderr === '' ? `qemu-img ended by ${result.signal ?? result.code}` : lastLine(stderr));
  if (code !== undefined) throw storageFault(Object.assign(cause, { code }), options.action, options.file);
  throw new BuilderFault(`${options.action} failed: ${cause.message}`, { where: options.file, cause });
}

/** Some of qemu-img's formats report a full disk as another error. */
async function isFull(file: string): Promise<boolean> {
  const stats = await statfs(dirname(file)).catch(() => undefined);
  return stats !== undefined && stats.blocks > 0 && stats.bavail * stats.bsize < FULL_BELOW_BYTES;
}

/** How qemu-img writes a compressed qcow2. */
export const COMPRESSED_QCOW2 = ['-O', 'qcow2', '-c', '-o', 'compression_type=zstd'] as const;

/** Arguments that let qemu-img convert use every processor; `anyOrder` only where the format can be written so. */
export function convertInParallel(anyOrder: boolean): readonly string[] {
  // qemu-img takes 1 to 16.
  const coroutines = Math.min(16, Math.max(1, availableParallelism() * 2));
  return anyOrder ? ['-m', String(coroutines), '-W'] : ['-m', String(coroutines)];
}

function missingQemuImg(program: string, cause: unknown): BuilderFault {
  const debianPackage = program === 'prlimit' ? 'util-linux' : 'qemu-utils';
  return new BuilderFault(`The program ${program} is not installed`, {
    hint: `Install it, on Debian and Ubuntu: apt-get install ${debianPackage}`,
    missingPrerequisite: true,
    cause,
  });
}

function lastLine(text: string): string {
  return (
    text
      .split('\n')
      .at(-1)
      ?.replace(/^qemu-img: /, '') ?? text
  );
}
