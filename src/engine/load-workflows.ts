import { parseArn } from '../contract/arn.ts';
import { parseWorkflow } from '../documents/parse-workflow.ts';
import type { WorkflowType } from '../documents/workflow-actions.ts';
import { parameterValues } from '../documents/workflow-parameters.ts';
import { findResource, type ImageRow } from '../state/find-resource.ts';
import type { WorkflowConfigurationRecord } from '../state/tables.ts';
import { BuildFailure } from '../util/faults.ts';
import type { PlannedWorkflow } from './build-plan.ts';
import type { Engine } from './engine.ts';
import { type ManagedWorkflow, managedWorkflow, managedWorkflows } from './managed-workflows.ts';

/** The stages in their order. */
const ORDER: readonly WorkflowType[] = ['BUILD', 'TEST', 'DISTRIBUTION'];

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
      ? (
          await Promise.all([
            managedWorkflow('build-image', engine.region),
            managedWorkflow('test-image', engine.region),
          ])
        ).map((workflow) => planned(workflow, { workflowArn: workflow.arn }))
      : await Promise.all(image.workflows.map((configuration) => load(engine, configuration)));
  return workflows
    .filter(({ document }) => imageTestsEnabled || document.type !== 'TEST')
    .toSorted((a, b) => ORDER.indexOf(a.document.type) - ORDER.indexOf(b.document.type));
}

async function load(
  engine: Pick<Engine, 'db' | 'region'>,
  configuration: WorkflowConfigurationRecord,
): Promise<PlannedWorkflow> {
  const { workflowArn } = configuration;
  if (parseArn(workflowArn)?.owner === 'aws') {
    const managed = (await managedWorkflows(engine.region)).find(({ arn }) => arn === workflowArn);
    if (managed === undefined) throw new BuildFailure(`This version of Kiln has no workflow '${workflowArn}'`);
    return planned(managed, configuration);
  }
  const row = await findResource(engine.db, workflowArn);
  const text = row?.document['data'];
  if (row === undefined || typeof text !== 'string') throw new BuildFailure(`Workflow '${workflowArn}' does not exist`);
  const type = row.document['type'] as WorkflowType;
  return planned({ arn: workflowArn, text, document: parseWorkflow({ file: workflowArn, text, type }) }, configuration);
}

function planned(
  { arn, document }: ManagedWorkflow,
  { parameters = [], parallelGroup, onFailure = 'ABORT' }: WorkflowConfigurationRecord,
): PlannedWorkflow {
  const { values, problems } = parameterValues(document.parameters, parameters);
  if (problems.length > 0) {
    throw new BuildFailure(`Workflow '${arn}': ${problems.map(({ message }) => message).join(' ')}`);
  }
  return { arn, document, parameters: values, parallelGroup, onFailure };
}
