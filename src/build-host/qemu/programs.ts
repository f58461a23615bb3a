import { BuilderFault, coerceError } from '../../util/faults.ts';
import { type RunOptions, run } from '../../util/spawn.ts';

/** The programs of the host that the driver starts: names to look up in the PATH, or absolute paths. */
export interface QemuPrograms {
  readonly qemuSystem: string;
  readonly qemuImg: string;
  readonly genisoimage: string;
  readonly perl: string;
}

export const DEFAULT_PROGRAMS: QemuPrograms = {
  qemuSystem: 'qemu-system-x86_64',
  qemuImg: 'qemu-img',
  genisoimage: 'genisoimage',
  perl: 'perl',
};

/** The Debian package of each program. */
const PACKAGES: Readonly<Record<keyof QemuPrograms, string>> = {
  qemuSystem: 'qemu-system-x86',
  qemuImg: 'qemu-utils',
  genisoimage: 'genisoimage',
  perl: 'perl-base',
};

/** Runs a helper program to its end and gives its standard output; anything but exit code 0 is a BuilderFault. */
export async function runProgram(
  programs: QemuPrograms,
  which: keyof QemuPrograms,
  args: readonly string[],
  options: Pick<RunOptions, 'cwd' | 'signal' | 'stdin'>,
): Promise<string> {
  const result = await run(programs[which], args, options).catch((error: unknown) => {
    throw options.signal?.aborted ? error : hostFault(error, which, programs[which]);
  });
  if (result.code === 0) return result.stdout.toString();
  const said = result.stderr.toString().trim();
  throw hostFault(
    new Error(said === '' ? `it ended with ${result.code ?? result.signal}` : said),
    which,
    programs[which],
  );
}

/** Asked at every launch, not once: QEMU may be replaced under a service that runs. */
export async function qemuVersion(programs: QemuPrograms, signal: AbortSignal): Promise<string> {
  return (await runProgram(programs, 'qemuSystem', ['--version'], { signal })).split('\n')[0] ?? '';
}

/** The BuilderFault for a program of the host that could not be started or did not do its work. */
export function hostFault(thrown: unknown, which: keyof QemuPrograms, program: string): BuilderFault {
  const error = coerceError(thrown);
  if ('code' in error && (error.code === 'ENOENT' || error.code === 'EACCES')) {
    return new BuilderFault(`Cannot start ${program}: it is not installed.`, {
      missingPrerequisite: true,
      hint: `On Debian and Ubuntu: apt-get install ${PACKAGES[which]}`,
      cause: error,
    });
  }
  if (isDiskFull(error)) return diskFull(error.message);
  return new BuilderFault(`${program} failed: ${error.message}`, { cause: error });
}

/** Whether an error, ours or a program's, says that there is no room left. */
export function isDiskFull(error: Error): boolean {
  return ('code' in error && error.code === 'ENOSPC') || /no space left on device|ENOSPC/i.test(error.message);
}

export function diskFull(detail: string): BuilderFault {
  return new BuilderFault(`The disk that holds the instances is full (${detail}).`, {
    hint: 'Free some space where KILN_HOME lies, or move KILN_HOME to a larger disk.',
  });
}
