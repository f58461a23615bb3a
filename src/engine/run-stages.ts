import type { WorkflowType } from '../documents/workflow-actions.ts';
import type { BuildRun } from './build-run.ts';
import { distributeByDefault } from './distribution/distribute-by-default.ts';
import { enterStage } from './enter-stage.ts';
import { type ExecutionRecord, placeOf } from './execution-records.ts';
import { type PlacedWorkflow, parallelGroups, runGroup } from './run-test-groups.ts';
import { runWorkflow } from './run-workflow.ts';
import type { WorkflowOutputs } from './workflow-outputs.ts';

/** The image's status while workflows of a type run, in the order in which they do. */
const STAGE_OF = { BUILD: 'BUILDING', TEST: 'TESTING', DISTRIBUTION: 'DISTRIBUTING' } as const;

/**
 * Walks the workflows of an image stage by stage, from where its records say that it stands. A stage without a workflow is
 * left out, but what the distribution configuration says is done without one. Rejects as runWorkflow does; a failed workflow that says CONTINUE does not fail the image.
 *
 * @param records What was done before (execution-records.ts).
 */
export async function runStages(
  run: BuildRun,
  records: readonly ExecutionRecord[],
  signal: AbortSignal,
): Promise<void> {
  const { workflows } = run.plan;
  const placed = workflows.map((workflow, index) => ({ workflow, place: placeOf(records, index, workflows.length) }));
  let outputs: WorkflowOutputs = {};
  for (const type of Object.keys(STAGE_OF) as WorkflowType[]) {
    const ofStage = placed.filter(({ workflow }) => workflow.document.type === type);
    if (ofStage.length === 0) continue;
    await enterStage(run, STAGE_OF[type]);
    for (const group of type === 'TEST' ? parallelGroups(ofStage) : ofStage.map((one) => [one])) {
      outputs = { ...outputs, ...(await runOne(run, group, outputs, signal)) };
    }
  }
  if (placed.some(({ workflow }) => workflow.document.type === 'DISTRIBUTION')) return;
  await enterStage(run, 'DISTRIBUTING');
  await distributeByDefault(run, { signal, monitor: run.monitorFor() });
}

async function runOne(
  run: BuildRun,
  group: readonly PlacedWorkflow[],
  outputs: WorkflowOutputs,
  signal: AbortSignal,
): Promise<WorkflowOutputs> {
  const [only] = group;
  if (only === undefined || only.workflow.document.type === 'TEST') return runGroup(run, group, outputs, signal);
  return runWorkflow(run, only.workflow, only.place, outputs, signal);
}
