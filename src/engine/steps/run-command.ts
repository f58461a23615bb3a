import { WORKFLOW_ACTIONS } from '../../documents/workflow-actions.ts';
import { capture } from '../../toe/capture.ts';
import type { Target } from '../../toe/target.ts';
import { BuildFailure } from '../../util/faults.ts';
import { lineSplitter } from '../line-splitter.ts';
import { plainText } from '../plain-text.ts';
import { withTimeout } from '../step-timeout.ts';
import { runningInstance } from './running-instance.ts';
import { SSM_DOCUMENTS, type SsmDocument, type SsmDocumentName, scriptParameters } from './ssm-documents.ts';
import {
  FailedWithOutputs,
  type StepAction,
  type StepContext,
  type StepInputs,
  type StepResult,
  textInput,
} from './step-action.ts';

export const runCommand: StepAction = { definition: WORKFLOW_ACTIONS.RunCommand, run };

/** As much as Systems Manager keeps of a command's output. Source: API Reference, GetCommandInvocation. */
const MAX_OUTPUT_CHARACTERS = 24_000;
/** Lines of the failure's text. */
const REASON_LINES = 5;
/** A script asks with it for a reboot and is run again. Source: Systems Manager User Guide, "Handling reboots when running commands". */
const REBOOT = 194;
const MAX_REBOOTS = 10;

async function run(inputs: StepInputs, context: StepContext): Promise<StepResult> {
  const { monitor } = context;
  const name = textInput(inputs, 'documentName') ?? '';
  const document = documentOf(name);
  const { commands, workingDirectory, executionTimeoutSeconds } = scriptParameters(mapOf(inputs['parameters']));
  const { target } = await runningInstance(inputs, context);
  if (!document.systems.includes(target.os)) {
    throw new BuildFailure(`${name} is for ${document.systems.join(' and ')}, and this instance runs ${target.os}`);
  }
  const out = lineSplitter((line) => monitor.line('stdout', line));
  const err = lineSplitter((line) => monitor.line('stderr', line));
  const late = (): Error =>
    new BuildFailure(`The command took longer than ${executionTimeoutSeconds} s`, { kind: 'timeout' });
  const { code, stdout, stderr } = await withTimeout(executionTimeoutSeconds, context.signal, late, (signal) =>
    runWithReboots(target, signal, monitor.line.bind(monitor), () =>
      capture(target, {
        ...document.command(commands),
        ...(workingDirectory === undefined ? {} : { cwd: workingDirectory }),
        signal,
        onStdout: out.push,
        onStderr: err.push,
      }),
    ),
  );
  out.end();
  err.end();
  const output = [plainText(stdout).slice(0, MAX_OUTPUT_CHARACTERS)];
  const runCommandId = context.stepExecutionId;
  if (code === 0) return { outputs: { runCommandId, status: 'Success', output } };
  const said = plainText(stderr.trim() === '' ? stdout : stderr);
  const lines = said.trimEnd().split('\n').slice(-REASON_LINES);
  throw new FailedWithOutputs([`${name} ended with exit status ${code}`, ...lines].join('\n'), {
    ...{ runCommandId, status: 'Failed', output },
  });
}

/** Also for names that were only known when the step ran. */
function documentOf(name: string): SsmDocument {
  if (Object.hasOwn(SSM_DOCUMENTS, name)) return SSM_DOCUMENTS[name as SsmDocumentName];
  const { refused } = WORKFLOW_ACTIONS.RunCommand.inputs.documentName;
  const why = (refused as Readonly<Record<string, string>>)[name];
  throw new BuildFailure(`Kiln does not support the document '${name}'${why === undefined ? '' : `: ${why}`}`, {
    hint: `There are ${Object.keys(SSM_DOCUMENTS).join(' and ')}.`,
  });
}

async function runWithReboots<Result extends { readonly code: number }>(
  target: Target,
  signal: AbortSignal,
  say: (source: 'kiln', text: string) => void,
  attempt: () => Promise<Result>,
): Promise<Result> {
  for (let reboots = 0; ; reboots++) {
    const result = await attempt();
    if (result.code !== REBOOT) return result;
    if (reboots === MAX_REBOOTS)
      throw new BuildFailure(`The command asked for a reboot more than ${MAX_REBOOTS} times`);
    say('kiln', 'The command asks for a reboot');
    await target.reboot(signal);
  }
}

function mapOf(value: unknown): Readonly<Record<string, unknown>> {
  if (value === undefined) return {};
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new BuildFailure("Input 'parameters' must be a map");
}
