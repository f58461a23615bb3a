import { parseArn } from '../contract/arn.ts';
import { parseWorkflow } from '../documents/parse-workflow.ts';
import type { WorkflowType } from '../documents/workflow-actions.ts';
import { findResource, type ImageRow } from '../state/find-resource.ts';
import type { WorkflowConfigurationRecord } from '../state/tables.ts';
import { BuildFailure } from '../util/faults.ts';
import type { PlannedWorkflow } from './build-plan.ts';
import { configuredWorkflow, defaultWorkflows, workflowsToRun } from './configured-workflow.ts';
import type { Engine } from './engine.ts';
import { managedWorkflows } from './managed-workflows.ts';

/**
 * The workflows of an image: those that were chosen for it, or build-image and test-image. Without tests, those of tests are
 * left out. Throws a BuildFailure when one is not there any more or a parameter has no value.
 */
export async function loadWorkflows(
  engine: Pick<Engine, 'db' | 'region'>,
  image: Pick<ImageRow, 'workflows' | 'image_tests_configuration'>,
): Promise<readonly PlannedWorkflow[]> {
  const { imageTestsEnabled } = image.image_tests_configuration;
  const workflows =
    image.workflows === null
      ? await defaultWorkflows(engine.region)
      : await Promise.all(image.workflows.map((configuration) => load(engine, configuration)));
  return workflowsToRun(workflows, imageTestsEnabled);
}

async function load(
  engine: Pick<Engine, 'db' | 'region'>,
  configuration: WorkflowConfigurationRecord,
): Promise<PlannedWorkflow> {
  const { workflowArn } = configuration;
  if (parseArn(workflowArn)?.owner === 'aws') {
    const managed = (await managedWorkflows(engine.region)).find(({ arn }) => arn === workflowArn);
    if (managed === undefined) throw new BuildFailure(`This version of Kiln has no workflow '${workflowArn}'`);
    return configuredWorkflow(managed, configuration);
  }
  const row = await findResource(engine.db, workflowArn);
  const text = row?.document['data'];
  if (row === undefined || typeof text !== 'string') throw new BuildFailure(`Workflow '${workflowArn}' does not exist`);
  const type = row.document['type'] as WorkflowType;
  const document = parseWorkflow({ file: workflowArn, text, type });
  return configuredWorkflow({ arn: workflowArn, document }, configuration);
}
