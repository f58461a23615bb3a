import { ACTION_MODULES } from '../../documents/action-modules/index.ts';
import { StepFailedError } from '../step-failed.ts';
import type { TargetCommand } from '../target.ts';
import { type ActionContext, type ActionResult, mapAction } from './action.ts';

/** Exit status with which a command asks for a reboot and to be run again. */
const REBOOT_STATUS = { linux: 194, macos: 194, windows: 3010 } as const;

/**
 * The script comes by standard input, so that nothing of it shows in a process list, and lies in a folder that only its
 * owner can enter. It is read by bash, not executed: a working directory that is mounted noexec does not matter.
 */
const BASH = `
(umask 077 && exec cat > "$1") || exit 125
bash "$1" < /dev/null
status=$?
rm -f -- "$1"
exit "$status"
`;

export const executeBash = mapAction(ACTION_MODULES.ExecuteBash, async ({ commands }, context) => {
  const script = context.workspace.newScript('input.sh');
  return execute(
    context,
    {
      argv: ['sh', '-c', BASH, 'kiln', script],
      stdin: `${commands.join('\n')}\n`,
    },
    REBOOT_STATUS.linux,
  );
});

export const executeBinary = mapAction(ACTION_MODULES.ExecuteBinary, async (inputs, context) => {
  const { path, arguments: args = [] } = inputs;
  // A bare name is for PATH to find; anything else is a path below the working directory.
  const separator = context.target.os === 'windows' ? /[\\/]/ : /\//;
  const program = separator.test(path) ? context.workspace.absolute(path) : path;
  return execute(context, { argv: [program, ...args] }, REBOOT_STATUS[context.target.os]);
});

/** Runs a command of the user's; `rebootStatus` is how it asks for a reboot. */
export async function execute(
  context: ActionContext,
  command: Pick<TargetCommand, 'argv' | 'stdin'>,
  rebootStatus: number,
): Promise<ActionResult> {
  const { target, environment, workspace, signal, output } = context;
  const { code } = await target.run({
    ...command,
    env: environment,
    cwd: workspace.directory,
    signal,
    survives: true,
    onStdout: output.onStdout,
    onStderr: output.onStderr,
  });
  output.flush();
  const result: ActionResult = {
    outputs: { stdout: output.stdout() },
    incomplete: output.stdoutIsComplete ? [] : ['stdout'],
  };
  if (code === rebootStatus) return { ...result, reboot: 'repeat' };
  if (code !== 0) throw new StepFailedError(`exit status ${code}`);
  return result;
}
