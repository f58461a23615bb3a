import type { WorkflowActionName } from '../documents/workflow-actions.ts';
import type { ImageRow } from '../state/find-resource.ts';
import type { Predecessor } from '../state/tables.ts';
import { assertClaimed, ClaimLostError, type ImageClaim } from '../state/transitions/claim.ts';
import { forgetPredecessors } from '../state/transitions/predecessors.ts';
import { restartWorkflows } from '../state/transitions/restart-workflows.ts';
import { BuildFailure, coerceError } from '../util/faults.ts';
import type { Monitor } from '../util/monitor.ts';
import { amiIdsOf } from './ami-id.ts';
import { amisOfStep } from './amis-of-step.ts';
import type { BuildPlan } from './build-plan.ts';
import { diskOfAdopted } from './checkpoints/adopted-disk.ts';
import type { Engine } from './engine.ts';
import { type ExecutionRecord, executionRecords, type StepRow } from './execution-records.ts';
import { BuildCancelled } from './failure.ts';
import { instanceAnswers } from './instance-answers.ts';
import { removeTraces } from './remove-traces.ts';
import { mayBeMounted } from './steps/choose-executor.ts';
import { STEP_ACTIONS } from './steps/step-actions.ts';

/** A build that takes down one worker after the other is not tried for ever. */
const MOST_RESTARTS = 5;

/** How long an instance may take to answer, to whoever goes on with it. */
const ANSWER_MS = 60_000;

export interface Abandoned {
  readonly engine: Engine;
  readonly claim: ImageClaim;
  readonly image: ImageRow;
  readonly plan: BuildPlan;
  readonly predecessors: readonly Predecessor[];
  readonly monitor: Monitor;
  readonly signal: AbortSignal;
}

/**
 * Decides from where a begun build goes on. What the workers before did and is on record stays, when all of them were of
 * this place and are known to have ended, and when what they made is still there and answers. A workflow of which that is
 * not true begins anew, on fresh instances. Afterwards nothing is left of what is not on record, and nobody but us works on
 * what is: a worker that was only frozen finds its instances gone.
 *
 * Throws a BuildFailure when the build has begun anew too often, and a BuildCancelled when one of them was cancelling it.
 */
export async function settlePredecessors(build: Abandoned): Promise<readonly ExecutionRecord[]> {
  const records = await settle(build);
  await forgetPredecessors(build.engine.db, build.claim);
  return records;
}

async function settle(build: Abandoned): Promise<readonly ExecutionRecord[]> {
  const { engine, image, predecessors } = build;
  const records = await executionRecords(engine.db, image.arn);
  const current = records.filter(({ retried }) => !retried);
  const cancelled = whyCancelled(build, current);
  if (cancelled !== undefined) throw new BuildCancelled(cancelled);
  if (!(await haveEnded(engine, predecessors))) {
    await removeAll(build);
    if (current.length === 0) return records;
    return restart(build, current, 'its worker was lost, and with it its instances');
  }
  await removeUnrecorded(build, current);
  const ami = current.flatMap((record) => record.steps.flatMap(amisOfStep)).at(-1);
  if (ami !== undefined && (await engine.imageStore.get(ami)) === undefined) {
    return restart(build, current, `${ami} is not here`);
  }
  const lost: ExecutionRecord[] = [];
  let why = '';
  for (const record of current.filter(({ status }) => status === 'RUNNING')) {
    const reason = await whyNot(build, record);
    if (reason === undefined) continue;
    lost.push(record);
    why ||= reason;
  }
  return lost.length === 0 ? records : restart(build, lost, why);
}

/**
 * What a worker that was to end said when it cancelled the build and did not come to its end. Tests are also ended by another
 * one that fails, which is on record before.
 */
function whyCancelled({ plan: { workflows } }: Abandoned, current: readonly ExecutionRecord[]): string | undefined {
  const hasFailed = current.some(
    ({ status, position }) =>
      (status === 'FAILED' || status === 'ROLLBACK_COMPLETED') &&
      workflows[position % workflows.length]?.onFailure !== 'CONTINUE',
  );
  if (hasFailed) return undefined;
  return current.find(({ status }) => status === 'CANCELLED')?.message ?? undefined;
}

/** Whether nothing can come any more from the workers that had the build, and what they made is at this place. */
export async function haveEnded(
  { place, workerId: own }: Pick<Engine, 'place' | 'workerId'>,
  predecessors: readonly Predecessor[],
): Promise<boolean> {
  for (const { workerId, place: where } of predecessors) {
    if (where !== place.id) return false;
    // Parked by its worker, or let go by ourselves because the database was away.
    if (workerId === null || workerId === own) continue;
    if (!(await place.hasEnded(workerId))) return false;
  }
  return true;
}

async function removeAll({ engine, claim, image, monitor }: Abandoned): Promise<void> {
  try {
    for (const line of await removeTraces(engine, image.arn, () => assertClaimed(engine.db, claim)))
      monitor.line('kiln', line);
  } catch (error) {
    if (error instanceof ClaimLostError) throw error;
    engine.log.error({ err: coerceError(error), image: image.arn }, 'traces of a build could not be removed');
  }
}

/** Ends instances that were being launched, and removes AMIs of which no step says that it made them. */
async function removeUnrecorded(
  { engine, claim, image, monitor }: Abandoned,
  current: readonly ExecutionRecord[],
): Promise<void> {
  const steps = current.flatMap((record) => record.steps);
  const launched = new Set(steps.flatMap((step) => output(step, 'LaunchInstance', 'instanceId')));
  const [instances, amis] = await Promise.all([engine.buildHost.list(), engine.imageStore.list()]);
  // What somebody makes who takes the build over from us is not among them, however late we go on from here.
  await assertClaimed(engine.db, claim);
  for (const { instanceId, owner } of instances) {
    if (owner !== image.arn || launched.has(instanceId)) continue;
    await engine.buildHost.terminate(instanceId);
    monitor.line('kiln', `Terminated instance ${instanceId}: its launch was interrupted`);
  }
  const known = new Set(
    steps.flatMap((step) => [
      ...amisOfStep(step),
      ...(step.status === 'RUNNING' ? amiIdsOf(step.id, claim.epoch) : []),
    ]),
  );
  for (const { amiId, source } of amis.toReversed()) {
    if (source !== image.arn || known.has(amiId)) continue;
    await engine.imageStore.remove(amiId);
    monitor.line('kiln', `Removed ${amiId}: nothing is known of it`);
  }
}

/** Why a workflow cannot go on from where it is; undefined when it can. */
async function whyNot(build: Abandoned, record: ExecutionRecord): Promise<string | undefined> {
  const { engine, claim, plan, signal } = build;
  for (const instanceId of neededInstances(record)) {
    if (record.type === 'BUILD' && mayBeMounted(plan)) return `only its worker could go on with ${instanceId}`;
    const instance = await engine.buildHost.find(instanceId);
    if (instance === undefined) return `instance ${instanceId} is gone`;
    if (!(await instanceAnswers(instance, ANSWER_MS, signal))) return `instance ${instanceId} does not answer`;
    const disk = record.type === 'BUILD' ? await diskOfAdopted(engine, instance, signal) : 'none';
    if (disk === undefined)
      return `of ${instanceId} earlier states were kept, and the last of them is there to begin with`;
    if (disk !== 'none') await disk.release();
  }
  for (const step of record.steps.filter(({ status }) => status === 'RUNNING')) {
    const { resume, whyNotResumable } = STEP_ACTIONS[step.action as WorkflowActionName];
    if (resume === undefined) return `step ${step.name} was interrupted, and cannot be done a second time`;
    const reason = await whyNotResumable?.(step, { engine, claim, plan, signal, workflowType: record.type });
    if (reason !== undefined) return `step ${step.name} was interrupted: ${reason}`;
  }
  return undefined;
}

/** Instances that were launched and neither ended nor captured. */
function neededInstances({ steps }: ExecutionRecord): readonly string[] {
  // Of a step that was interrupted the action itself says what it needs.
  const over = new Set(steps.flatMap((step) => [...input(step, 'TerminateInstance'), ...input(step, 'CreateImage')]));
  return steps.flatMap((step) => output(step, 'LaunchInstance', 'instanceId')).filter((id) => !over.has(id));
}

async function restart(
  { engine, claim, image, monitor }: Abandoned,
  lost: readonly ExecutionRecord[],
  why: string,
): Promise<readonly ExecutionRecord[]> {
  const { db, buildHost, imageStore, clock } = engine;
  if (image.restarts >= MOST_RESTARTS) {
    throw new BuildFailure(`Its worker was lost ${image.restarts + 1} times while the image was built: ${why}`, {
      kind: 'builder fault',
      hint: 'See whether the build takes more memory or disk than its worker has.',
    });
  }
  const steps = lost.flatMap((record) => record.steps);
  for (const instanceId of steps.flatMap((step) => output(step, 'LaunchInstance', 'instanceId'))) {
    await buildHost.terminate(instanceId);
  }
  // Also those that are not on record: a step may have been interrupted when its AMI was there.
  const made = new Set(steps.flatMap(({ id }) => amiIdsOf(id, claim.epoch)));
  for (const { amiId } of (await imageStore.list()).toReversed()) {
    if (made.has(amiId)) await imageStore.remove(amiId);
  }
  const message = `Begun anew: ${why}`;
  for (const { workflow_arn: arn } of lost) monitor.line('kiln', `Workflow ${arn} begins anew: ${why}`);
  const ids = lost.map(({ id }) => id);
  await restartWorkflows(db, claim, { workflowExecutionIds: ids, message, at: clock.now() });
  return executionRecords(db, image.arn);
}

function output(step: StepRow, action: string, name: string): readonly string[] {
  const value = step.action === action && step.status === 'COMPLETED' ? step.outputs?.[name] : undefined;
  return typeof value === 'string' ? [value] : [];
}

function input(step: StepRow, action: WorkflowActionName): readonly string[] {
  const begun = step.status === 'COMPLETED' || step.status === 'RUNNING';
  const value = step.action === action && begun ? step.inputs['instanceId'] : undefined;
  return typeof value === 'string' ? [value] : [];
}
