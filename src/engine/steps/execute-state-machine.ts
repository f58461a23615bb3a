import { isJson } from '../../documents/parse-workflow-inputs.ts';
import { WORKFLOW_ACTIONS } from '../../documents/workflow-actions.ts';
import { BuildFailure } from '../../util/faults.ts';
import { type StepAction, type StepContext, type StepInputs, type StepResult, textInput } from './step-action.ts';

export const executeStateMachine: StepAction = { definition: WORKFLOW_ACTIONS.ExecuteStateMachine, run };

const MAX_INPUT_BYTES = WORKFLOW_ACTIONS.ExecuteStateMachine.inputs.input.jsonBytes;

async function run(inputs: StepInputs, context: StepContext): Promise<StepResult> {
  const { engine, signal, monitor, stepExecutionId } = context;
  const stateMachineArn = textInput(inputs, 'stateMachineArn') ?? '';
  const input = textInput(inputs, 'input') ?? '{}';
  if (Buffer.byteLength(input) > MAX_INPUT_BYTES || !isJson(input)) {
    throw new BuildFailure(`Input 'input' must be JSON of at most ${MAX_INPUT_BYTES} bytes`);
  }
  if (engine.stateMachines === undefined) {
    throw new BuildFailure(`There is no state machine '${stateMachineArn}': none are configured`);
  }
  // The name makes it one execution, also when this is asked a second time.
  const request = { stateMachineArn, input, name: stepExecutionId };
  const { executionArn, output } = await engine.stateMachines.execute(request, { signal, monitor });
  return { outputs: { executionArn, output } };
}
