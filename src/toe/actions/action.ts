import { convertInput } from '../../documents/action-modules/convert.ts';
import type { ActionModule, InputsOf } from '../../documents/action-modules/module.ts';
import type { InputValue, StepInputs } from '../../documents/component.ts';
import { isList } from '../../documents/component-expressions.ts';
import { type Captured, capture } from '../capture.ts';
import type { DocumentRunResult, NestedRun, RunnableDocument } from '../run-documents.types.ts';
import type { RunServices } from '../run-services.ts';
import { StepFailedError } from '../step-failed.ts';
import type { StepOutput } from '../step-output.ts';
import type { SuspendedNestedRun, SuspendedRun } from '../suspended-run.ts';
import type { Target, TargetCommand } from '../target.ts';
import type { Workspace } from '../workspace.ts';

/** Waits; rejects with the signal's reason after an abort. */
export type Delay = (milliseconds: number, signal: AbortSignal) => Promise<void>;

export interface ActionContext {
  readonly target: Target;
  readonly environment: Readonly<Record<string, string>>;
  readonly workspace: Workspace;
  /** Ends when the run is aborted or the attempt's time is over. */
  readonly signal: AbortSignal;
  readonly output: StepOutput;
  readonly delay: Delay;
  /** Resolves the expressions of a text; for Assert, which resolves only what it looks at. */
  readonly resolve: (text: string) => Promise<string>;
  readonly services: RunServices;
  /** Documents that run around this one and this one itself, as {@link NestedRequest.identity} has them. */
  readonly ancestors: readonly string[];
  /** Where the document that this step runs was suspended: it goes on there. */
  readonly suspended: SuspendedNestedRun | undefined;
  /** Runs another document on the same target. A failed run is a result; rejects with a RunSuspendedError. */
  readonly runNested: (request: NestedRequest) => Promise<DocumentRunResult>;
}

export interface NestedRequest {
  /** What is the same for every name that the document may be given. */
  readonly identity: string;
  readonly executionId: string;
  readonly document: RunnableDocument;
  readonly phases: readonly string[] | undefined;
  readonly resume: SuspendedRun | undefined;
}

export interface ActionResult {
  readonly outputs: Readonly<Record<string, string | number>>;
  /** Outputs of which only head and tail are there. */
  readonly incomplete?: readonly string[];
  /** A reboot is wanted: afterwards the step runs again, or the run goes on behind it. */
  readonly reboot?: 'repeat' | 'next';
  /** A document that was run. */
  readonly nested?: NestedRun;
}

/**
 * Runs one action module. Entries are resolved and converted, except those of Assert. Throws StepFailedError when the
 * step failed; the reason of the signal and TargetLostError pass through.
 */
export interface Action {
  readonly module: ActionModule;
  readonly run: (entries: readonly StepInputs[], context: ActionContext) => Promise<ActionResult>;
}

/** An action whose `inputs` is one map. */
export function mapAction<const M extends ActionModule>(
  module: M,
  run: (inputs: InputsOf<M>, context: ActionContext) => Promise<ActionResult>,
): Action {
  return { module, run: (entries, context) => run((entries[0] ?? {}) as InputsOf<M>, context) };
}

/** An action whose `inputs` is a list: entries in order, the first that fails ends it. Outputs are joined in order. */
export function listAction<const M extends ActionModule>(
  module: M,
  run: (inputs: InputsOf<M>, context: ActionContext) => Promise<Readonly<Record<string, string>>>,
  separator = '\n',
): Action {
  return {
    module,
    run: async (entries, context) => {
      const all: Readonly<Record<string, string>>[] = [];
      for (const entry of entries) all.push(await run(entry as InputsOf<M>, context));
      const names = Object.keys(module.outputs);
      return {
        outputs: Object.fromEntries(names.map((name) => [name, all.map((each) => each[name] ?? '').join(separator)])),
      };
    },
  };
}

/** Converts resolved inputs to the types of the module's table and fills in its defaults. */
export function convertEntry(module: ActionModule, entry: StepInputs): StepInputs {
  const converted: Record<string, InputValue> = {};
  for (const [name, input] of Object.entries(module.inputs)) {
    const value = Object.hasOwn(entry, name) ? entry[name] : input.default;
    if (value === undefined) continue;
    if (typeof value !== 'string' || isList(value)) {
      converted[name] = value;
      continue;
    }
    const result = convertInput(input, value);
    if (!result.ok) {
      const hint = result.hint === undefined ? '' : ` (${result.hint})`;
      throw new StepFailedError(`the input '${name}' ${result.message}${hint}`);
    }
    converted[name] = result.value;
  }
  return converted;
}

export interface ScriptOptions {
  readonly stdin?: TargetCommand['stdin'];
  readonly onStdout?: (chunk: Buffer) => void;
  /** Bytes of standard output to keep. */
  readonly keepBytes?: number;
  /** For scripts that take long, see TargetCommand. */
  readonly survives?: boolean;
}

/**
 * Runs a fixed POSIX shell script; values come only as its parameters (`$1` …) and its standard input. What it prints to
 * standard error is shown live.
 */
export async function runScript(
  context: ActionContext,
  script: string,
  parameters: readonly string[],
  options: ScriptOptions = {},
): Promise<Captured> {
  const { target, environment, workspace, signal, output } = context;
  const command: TargetCommand = {
    argv: ['sh', '-c', script, 'kiln', ...parameters],
    env: environment,
    cwd: workspace.directory,
    signal,
    survives: options.survives ?? false,
    onStderr: output.onStderr,
    ...(options.stdin === undefined ? {} : { stdin: options.stdin }),
    ...(options.onStdout === undefined ? {} : { onStdout: options.onStdout }),
  };
  const captured = await capture(target, command, options.keepBytes);
  output.flush();
  return captured;
}

/** {@link runScript}, where every exit status but 0 fails the step with what the script said last. */
export async function mustRun(
  context: ActionContext,
  script: string,
  parameters: readonly string[],
  options: ScriptOptions = {},
): Promise<Captured> {
  const captured = await runScript(context, script, parameters, options);
  if (captured.code !== 0) throw new StepFailedError(whatItSaid(captured));
  return captured;
}

export function whatItSaid({ code, stderr }: Captured): string {
  const last = stderr.trim().split('\n').at(-1) ?? '';
  return last === '' ? `exit status ${code}` : last;
}
