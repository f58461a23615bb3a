import { randomBytes } from 'node:crypto';
import { posix, win32 } from 'node:path';
import { capture } from './capture.ts';
import { powerShellCommand } from './powershell.ts';
import { StepFailedError } from './step-failed.ts';
import type { Target, TargetCommand } from './target.ts';

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

/** The private folder is for administrators and the system only. */
export const PREPARE_WINDOWS = `
if (-not (Test-Path -LiteralPath $in.directory)) { [void](New-Item -ItemType Directory -Path $in.directory -Force); 'made' }
if (-not (Test-Path -LiteralPath $in.scripts)) { [void](New-Item -ItemType Directory -Path $in.scripts) }
& icacls.exe $in.scripts /inheritance:r /grant:r '*S-1-5-32-544:(OI)(CI)F' '*S-1-5-18:(OI)(CI)F' | Out-Null
if ($LASTEXITCODE -ne 0) { exit 1 }
`;

export const REMOVE_WINDOWS = `
Remove-Item -LiteralPath $in.scripts -Recurse -Force -ErrorAction SilentlyContinue
if ($in.made -and -not (Get-ChildItem -LiteralPath $in.directory -Force)) { Remove-Item -LiteralPath $in.directory }
`;

/** The folder of a run on the target: relative paths start there, scripts lie in a private folder below it. */
export class Workspace {
  readonly directory: string;
  readonly #target: Target;
  readonly #scripts: string;
  readonly #path: typeof posix;
  #ready = false;
  /** From the first attempt to make the folders on: an abort may come between their making and its report. */
  #touched = false;
  #made = false;
  #counter = 0;

  /** @param directory Absolute path on the target. */
  constructor(target: Target, directory: string) {
    this.#target = target;
    this.directory = directory;
    this.#path = target.os === 'windows' ? win32 : posix;
    this.#scripts = this.#path.join(directory, `.kiln-${randomBytes(8).toString('hex')}`);
  }

  /** Makes the folders unless that is done; again after a reboot, because the folder may be on a tmpfs. */
  async prepare(signal: AbortSignal): Promise<void> {
    if (this.#ready) return;
    const again = this.#touched ? 'again' : '';
    this.#touched = true;
    const { code, stdout, stderr } = await capture(this.#target, { ...this.#prepareCommand(again), signal });
    if (code !== 0) {
      throw new StepFailedError(`cannot make the working directory ${this.directory}: ${stderr.trim()}`);
    }
    this.#made ||= stdout.includes('made');
    this.#ready = true;
  }

  #prepareCommand(again: string): Pick<TargetCommand, 'argv' | 'stdin'> {
    const { directory } = this;
    if (this.#target.os === 'windows') return powerShellCommand(PREPARE_WINDOWS, { directory, scripts: this.#scripts });
    return { argv: ['sh', '-c', PREPARE, 'sh', directory, this.#scripts, again] };
  }

  #removeCommand(): Pick<TargetCommand, 'argv' | 'stdin'> {
    const { directory } = this;
    if (this.#target.os === 'windows') {
      return powerShellCommand(REMOVE_WINDOWS, { directory, scripts: this.#scripts, made: this.#made });
    }
    const script = 'rm -rf -- "$1"; [ -z "$3" ] || rmdir -- "$2" 2>/dev/null; :';
    return { argv: ['sh', '-c', script, 'sh', this.#scripts, directory, this.#made ? 'made' : ''] };
  }

  /** To be called after the machine was rebooted. */
  invalidate(): void {
    this.#ready = false;
  }

  /** A path for a script, not used before in this run. */
  newScript(name: string): string {
    this.#counter++;
    return this.#path.join(this.#scripts, `${this.#counter}-${name}`);
  }

  absolute(path: string): string {
    // Not normalised: a separator at the end means something to the file modules.
    return this.#path.isAbsolute(path) ? path : `${this.directory}${this.#path.sep}${path}`;
  }

  /** Removes what the run put on the target. Never throws: the result of the run is what counts. */
  async remove(): Promise<void> {
    if (!this.#touched) return;
    await this.#target.run({ ...this.#removeCommand(), signal: AbortSignal.timeout(REMOVE_WITHIN_MS) }).catch(() => {});
  }
}
