import { randomBytes } from 'node:crypto';
import { posix } from 'node:path';
import { capture } from './capture.ts';
import { StepFailedError } from './step-failed.ts';
import type { Target } from './target.ts';

/** How long tidying up may take after the run was aborted. */
const REMOVE_WITHIN_MS = 3_000;

/**
 * The private folder has a name that nobody can know before, and must be new: the working directory may be one that
 * everybody writes to. After a reboot it may still be there.
 */
const PREPARE = `
[ -d "$1" ] || { mkdir -p -- "$1" && echo made; } || exit 1
[ -n "$3" ] && [ -d "$2" ] || mkdir -m 700 -- "$2"
`;

/** The folder of a run on the target: relative paths start there, scripts lie in a private folder below it. */
export class Workspace {
  readonly directory: string;
  readonly #target: Target;
  readonly #scripts: string;
  #ready = false;
  /** From the first attempt to make the folders on: an abort may come between their making and its report. */
  #touched = false;
  #made = false;
  #counter = 0;

  /** @param directory Absolute path on the target. */
  constructor(target: Target, directory: string) {
    this.#target = target;
    this.directory = directory;
    this.#scripts = posix.join(directory, `.kiln-${randomBytes(8).toString('hex')}`);
  }

  /** Makes the folders unless that is done; again after a reboot, because the folder may be on a tmpfs. */
  async prepare(signal: AbortSignal): Promise<void> {
    if (this.#ready) return;
    const again = this.#touched ? 'again' : '';
    const argv = ['sh', '-c', PREPARE, 'sh', this.directory, this.#scripts, again] as const;
    this.#touched = true;
    const { code, stdout, stderr } = await capture(this.#target, { argv, signal });
    if (code !== 0) {
      throw new StepFailedError(`cannot make the working directory ${this.directory}: ${stderr.trim()}`);
    }
    this.#made ||= stdout.includes('made');
    this.#ready = true;
  }

  /** To be called after the machine was rebooted. */
  invalidate(): void {
    this.#ready = false;
  }

  /** A path for a script, not used before in this run. */
  newScript(name: string): string {
    this.#counter++;
    return posix.join(this.#scripts, `${this.#counter}-${name}`);
  }

  absolute(path: string): string {
    // Not normalised: a separator at the end means something to the file modules.
    return path.startsWith('/') ? path : `${this.directory}/${path}`;
  }

  /** Removes what the run put on the target. Never throws: the result of the run is what counts. */
  async remove(): Promise<void> {
    if (!this.#touched) return;
    const script = 'rm -rf -- "$1"; [ -z "$3" ] || rmdir -- "$2" 2>/dev/null; :';
    const argv = ['sh', '-c', script, 'sh', this.#scripts, this.directory, this.#made ? 'made' : ''] as const;
    await this.#target.run({ argv, signal: AbortSignal.timeout(REMOVE_WITHIN_MS) }).catch(() => {});
  }
}
