import type { WorkflowType } from '../documents/workflow-actions.ts';
import { parameterValues } from '../documents/workflow-parameters.ts';
import type { WorkflowConfigurationRecord } from '../state/tables.ts';
import { BuildFailure } from '../util/faults.ts';
import type { PlannedWorkflow } from './build-plan.ts';
import { type ManagedWorkflow, managedWorkflow } from './managed-workflows.ts';

/** The stages in their order. */
const ORDER: readonly WorkflowType[] = ['BUILD', 'TEST', 'DISTRIBUTION'];

/** A workflow as an image has it. Throws a BuildFailure when a parameter has no value. */
export function configuredWorkflow(
  { arn, document }: Pick<ManagedWorkflow, 'arn' | 'document'>,
  { parameters = [], parallelGroup, onFailure = 'ABORT' }: Omit<WorkflowConfigurationRecord, 'workflowArn'>,
): PlannedWorkflow {
  const { values, problems } = parameterValues(document.parameters, parameters);
  if (problems.length > 0) {
    throw new BuildFailure(`Workflow '${arn}': ${problems.map(({ message }) => message).join(' ')}`);
  }
  return { arn, document, parameters: values, parallelGroup, onFailure };
}

/** The workflows of an image that chooses none. */
export async function defaultWorkflows(region: string): Promise<readonly PlannedWorkflow[]> {
  const workflows = await Promise.all([managedWorkflow('build-image', region), managedWorkflow('test-image', region)]);
  return workflows.map((workflow) => configuredWorkflow(workflow, {}));
}

/** Those that run, in the order of their stages: without tests those of tests are left out. */
export function workflowsToRun(workflows: readonly PlannedWorkflow[], isTested: boolean): readonly PlannedWorkflow[] {
  return workflows
    .filter(({ document }) => isTested || document.type !== 'TEST')
    .toSorted((a, b) => ORDER.indexOf(a.document.type) - ORDER.indexOf(b.document.type));
}
