import { RebootByCallerError } from '../../toe/suspended-run.ts';
import type { Target } from '../../toe/target.ts';
import { localTarget } from '../../toe/targets/local.ts';
import { type CommandArguments, type CommandContext, UsageError } from '../command.ts';

/** The machine that a run acts on. */
export interface RunTarget extends AsyncDisposable {
  readonly target: Target;
  readonly environment: Readonly<Record<string, string>>;
  /** Absolute path on the target. */
  readonly workingDirectory: string;
  readonly isSandbox: boolean;
}

export async function openRunTarget(args: CommandArguments, context: CommandContext): Promise<RunTarget> {
  const base = args.text('base');
  if (base !== undefined && !args.flag('sandbox')) throw new UsageError('--base needs --sandbox');
  if (args.flag('sandbox')) throw new UsageError('there is no sandbox yet');
  const { environment } = context.config;
  const cwd = process.cwd();
  return {
    // Kiln never reboots the machine that somebody works on: the run is saved, and whoever started it reboots.
    target: { ...localTarget({ environment, cwd }), reboot: () => Promise.reject(new RebootByCallerError()) },
    environment,
    workingDirectory: cwd,
    isSandbox: false,
    [Symbol.asyncDispose]: async () => {},
  };
}
