import { isDatabaseLost } from '../state/database-lost.ts';
import { coerceError } from '../util/faults.ts';
import type { PlannedWorkflow } from './build-plan.ts';
import type { BuildRun } from './build-run.ts';
import type { Place } from './execution-records.ts';
import { BuildCancelled, BuildParked, WorkflowFailed } from './failure.ts';
import { endWorkflow, runWorkflow } from './run-workflow.ts';
import type { WorkflowOutputs } from './workflow-outputs.ts';

/** Test workflows of one group that run at the same time. Source: User Guide, "Configure image pipeline workflows". */
const MAX_PARALLEL = 5;

export interface PlacedWorkflow {
  readonly workflow: PlannedWorkflow;
  readonly place: Place;
}

/** Workflows that run at the same time; the groups run one after the other, in the order in which they first appear. */
export function parallelGroups(workflows: readonly PlacedWorkflow[]): readonly (readonly PlacedWorkflow[])[] {
  const groups = new Map<unknown, PlacedWorkflow[]>();
  for (const placed of workflows) {
    // Without a group a workflow is alone.
    const key = placed.workflow.parallelGroup ?? placed;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [placed]);
    else group.push(placed);
  }
  return [...groups.values()];
}

/**
 * Runs the workflows of one group, five at a time. One that fails and must not ends the others. When some wait for
 * somebody and the others have ended, rejects with BuildParked; a workflow that waits keeps its place among the five.
 */
export async function runGroup(
  run: BuildRun,
  group: readonly PlacedWorkflow[],
  outputsBefore: WorkflowOutputs,
  outer: AbortSignal,
): Promise<WorkflowOutputs> {
  const failing = new AbortController();
  const signal = AbortSignal.any([outer, failing.signal]);
  // Those that were begun come first: they have their places already. What ended the others is among them.
  const queue = group.toSorted((a, b) => rank(a.place) - rank(b.place));
  const outputs: Record<string, WorkflowOutputs[string]> = {};
  const parked: { readonly error: BuildParked; readonly at: number }[] = [];
  const failures: { readonly error: Error; readonly ended: boolean }[] = [];

  const lane = async (): Promise<void> => {
    for (let placed = queue.shift(); placed !== undefined && failures.length === 0; placed = queue.shift()) {
      const { workflow, place } = placed;
      try {
        Object.assign(outputs, await runWorkflow(run, workflow, place, outputsBefore, signal));
      } catch (thrown) {
        const error = coerceError(thrown);
        if (error instanceof BuildParked) {
          parked.push({ error, at: place.position });
          return;
        }
        if (error instanceof WorkflowFailed && workflow.onFailure === 'CONTINUE') {
          run.monitorFor().line('kiln', `Workflow ${workflow.arn} failed, and the image goes on`);
          continue;
        }
        failures.push({ error, ended: place.record?.status === 'CANCELLED' });
        // While the database is away nothing has failed: the others are let go as they are, too.
        const isLetGo = isDatabaseLost(error);
        failing.abort(isLetGo ? error : new BuildCancelled(`Another test workflow failed: ${error.message}`));
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(MAX_PARALLEL, group.length) }, lane));
  outer.throwIfAborted();
  // Of one that was ended because another had failed, before somebody else went on with the build, the other is the cause.
  const failure = (failures.find(({ ended }) => !ended) ?? failures[0])?.error;
  if (failure !== undefined && isDatabaseLost(failure)) throw failure;
  if (failure !== undefined) {
    await endParked(
      run,
      parked.map(({ at }) => at),
      failure,
    );
    throw failure;
  }
  const [waits] = parked;
  if (waits !== undefined) throw waits.error;
  return outputs;
}

function rank({ record }: Place): number {
  if (record === undefined) return 2;
  return record.status === 'CANCELLED' ? 1 : 0;
}

async function endParked(run: BuildRun, positions: readonly number[], failure: Error): Promise<void> {
  if (positions.length === 0) return;
  const rows = await run.engine.db
    .selectFrom('workflow_executions')
    .select('id')
    .where('image_arn', '=', run.claim.imageArn)
    .where('position', 'in', positions)
    .execute();
  for (const { id } of rows) await endWorkflow(run, id, `Another test workflow failed: ${failure.message}`);
}
