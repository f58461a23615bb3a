import type { GetWorkflowCommandOutput } from '@aws-sdk/client-imagebuilder';
import { parseWorkflow } from '../documents/parse-workflow.ts';
import type { WorkflowType } from '../documents/workflow-actions.ts';
import type { PlannedWorkflow } from '../engine/build-plan.ts';
import { configuredWorkflow, defaultWorkflows, workflowsToRun } from '../engine/configured-workflow.ts';
import { managedWorkflows } from '../engine/managed-workflows.ts';
import type { WorkflowConfigurationRecord } from '../state/tables.ts';
import { BuildFailure } from '../util/faults.ts';
import type { Ask } from './planned-build.ts';

export interface WorkflowSources {
  readonly region: string;
  readonly isTested: boolean;
  /** A workflow of the template; undefined when the reference is to none. */
  readonly ofTemplate: (
    reference: string,
  ) => { readonly id: string; readonly data: string; readonly type: string } | undefined;
  readonly ask: Ask;
}

/**
 * The workflows that an image with these configurations runs, in their order (load-workflows.ts). Throws a BuildFailure when
 * one is not there or a parameter has no value.
 */
export async function plannedWorkflows(
  configurations: readonly WorkflowConfigurationRecord[] | undefined,
  sources: WorkflowSources,
): Promise<readonly PlannedWorkflow[]> {
  if (configurations === undefined) return workflowsToRun(await defaultWorkflows(sources.region), sources.isTested);
  const workflows = configurations.map(async (configuration) =>
    configuredWorkflow(await findWorkflow(configuration.workflowArn, sources), configuration),
  );
  return workflowsToRun(await Promise.all(workflows), sources.isTested);
}

async function findWorkflow(
  reference: string,
  { region, ofTemplate, ask }: WorkflowSources,
): Promise<Pick<PlannedWorkflow, 'arn' | 'document'>> {
  const own = ofTemplate(reference);
  if (own !== undefined) return parsed(own.id, own.data, own.type);
  const managed = (await managedWorkflows(region)).find(({ arn }) => arn === reference);
  if (managed !== undefined) return managed;
  const answer = await ask('GetWorkflow', { workflowBuildVersionArn: reference });
  const { workflow } = answer as Partial<GetWorkflowCommandOutput>;
  if (workflow?.arn === undefined || workflow.data === undefined || workflow.type === undefined) {
    throw new BuildFailure(`Workflow '${reference}' does not exist`);
  }
  return parsed(workflow.arn, workflow.data, workflow.type);
}

function parsed(arn: string, text: string, type: string): Pick<PlannedWorkflow, 'arn' | 'document'> {
  return { arn, document: parseWorkflow({ file: arn, text, type: type as WorkflowType }) };
}
