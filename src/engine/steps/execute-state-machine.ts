import { isJson } from '../../documents/parse-workflow-inputs.ts';
import { WORKFLOW_ACTIONS } from '../../documents/workflow-actions.ts';
import { BuildFailure } from '../../util/faults.ts';
import type { StepRow } from '../execution-records.ts';
import {
  type ResumeContext,
  type StepAction,
  type StepContext,
  type StepInputs,
  type StepResult,
  textInput,
} from './step-action.ts';

export const executeStateMachine: StepAction = {
  definition: WORKFLOW_ACTIONS.ExecuteStateMachine,
  run,
  // By its name the execution is found that was started, also when it has ended.
  resume: run,
  whyNotResumable,
};

const MAX_INPUT_BYTES = WORKFLOW_ACTIONS.ExecuteStateMachine.inputs.input.jsonBytes;

async function run(inputs: StepInputs, context: StepContext): Promise<StepResult> {
  const { engine, signal, monitor, stepExecutionId, attempt } = context;
  const stateMachineArn = textInput(inputs, 'stateMachineArn') ?? '';
  const input = textInput(inputs, 'input') ?? '{}';
  if (Buffer.byteLength(input) > MAX_INPUT_BYTES || !isJson(input)) {
    throw new BuildFailure(`Input 'input' must be JSON of at most ${MAX_INPUT_BYTES} bytes`);
  }
  if (engine.stateMachines === undefined) {
    throw new BuildFailure(`There is no state machine '${stateMachineArn}': none are configured`);
  }
  // One execution for each attempt: the name of one that has ended is not given again.
  const request = { stateMachineArn, input, name: `${stepExecutionId}-${attempt}` };
  const { executionArn, output } = await engine.stateMachines.execute(request, { signal, monitor });
  return { outputs: { executionArn, output } };
}

async function whyNotResumable({ inputs }: StepRow, { engine }: ResumeContext): Promise<string | undefined> {
  const stateMachineArn = textInput(inputs as StepInputs, 'stateMachineArn') ?? '';
  // One that is nowhere has no execution either: `run` says so.
  if ((await engine.stateMachines?.outliveCaller(stateMachineArn)) !== false) return undefined;
  return 'its execution ended with its worker';
}
