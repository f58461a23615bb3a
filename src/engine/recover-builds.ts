import { parseArn } from '../contract/arn.ts';
import type { BuildJobs } from '../state/build-jobs.ts';
import { findImage, type ImageRow } from '../state/find-resource.ts';
import { cancelImage } from '../state/transitions/cancel-image.ts';
import { cancelSteps } from '../state/transitions/cancel-steps.ts';
import type { ImageClaim } from '../state/transitions/claim.ts';
import { failImage } from '../state/transitions/fail-image.ts';
import { failStep } from '../state/transitions/fail-step.ts';
import { finishWorkflow } from '../state/transitions/finish-workflow.ts';
import { reclaimImage } from '../state/transitions/reclaim-image.ts';
import { unfinishedImages } from '../state/unfinished-images.ts';
import { coerceError } from '../util/faults.ts';
import { keptInstances, type RunningExecution, runningExecutions } from './build-records.ts';
import type { Engine } from './engine.ts';
import { openImageLog } from './image-log.ts';
import { removeTraces } from './remove-traces.ts';

/**
 * Ends what an earlier process of this installation left behind when it was killed; called at start, before any build.
 * Instances and AMIs of unfinished builds are removed first, then their images become FAILED, or CANCELLED when that had
 * been asked for, so that no image stays in BUILDING. Images that still wait are queued again: should their job have been
 * lost they are built, and should it be there the second one finds nothing to do.
 *
 * @returns The images that were ended.
 */
export async function recoverBuilds(engine: Engine, jobs: Pick<BuildJobs, 'enqueue'>): Promise<readonly string[]> {
  const { db, workerId } = engine;
  const ended: string[] = [];
  for (const { arn } of await unfinishedImages(db, workerId)) {
    const claimed = await reclaimImage(db, { imageArn: arn, workerId });
    if (claimed === undefined) continue;
    await endAbandonedBuild(engine, claimed.claim, claimed.image);
    ended.push(arn);
  }
  await terminateLeftovers(engine);
  const pending = await db.selectFrom('images').select('arn').where('status', '=', 'PENDING').orderBy('seq').execute();
  for (const { arn } of pending) await jobs.enqueue(db, arn);
  return ended;
}

async function endAbandonedBuild(engine: Engine, claim: ImageClaim, image: ImageRow): Promise<void> {
  const { db, clock } = engine;
  // What cannot be removed now must not keep the image unfinished for ever.
  const removed = await removeTraces(engine, image.arn).catch((error: unknown) => {
    engine.log.error({ err: coerceError(error), image: image.arn }, 'traces of a build could not be removed');
    return [];
  });
  const executions = await runningExecutions(db, image.arn);
  const at = clock.now();
  const log = openImageLog(engine, image);
  for (const line of removed) log.monitorFor().line('kiln', line);
  if (image.cancel_requested_at !== null) {
    const message = 'The image creation was cancelled (CancelImageCreation).';
    await cancelSteps(db, claim, { message, at });
    for (const { workflowExecutionId } of executions) {
      await finishWorkflow(db, claim, { workflowExecutionId, status: 'CANCELLED', message, at });
    }
    log.monitorFor().line('kiln', `Cancelled: ${message}`);
    await log.close();
    await cancelImage(db, claim, { reason: message, at });
    return;
  }
  const place = executions.find(({ step }) => step !== undefined);
  const reason = `Kiln was stopped while ${describePlace(place, image)}. Run the build again.`;
  for (const { workflowExecutionId, step } of executions) {
    if (step !== undefined) await failStep(db, claim, { stepExecutionId: step.id, message: reason, at });
    await finishWorkflow(db, claim, { workflowExecutionId, status: 'FAILED', message: reason, at });
  }
  log.monitorFor(place?.step?.name).line('kiln', `Failed: ${reason}`);
  await log.close();
  await failImage(db, claim, { reason, failureContext: contextOf(place), at });
}

function describePlace(place: RunningExecution | undefined, image: ImageRow): string {
  return place?.step === undefined ? `the image was ${image.status}` : `step ${place.step.name} ran`;
}

function contextOf(place: RunningExecution | undefined): Readonly<Record<string, unknown>> {
  if (place?.step === undefined) return {};
  const { workflowExecutionId, workflowArn, step } = place;
  return { workflowExecutionId, workflowArn, stepExecutionId: step.id, failedStep: step.name };
}

/**
 * Instances of builds that have ended: a process was killed between the two. Those that were kept for a person stay, and
 * so do instances that belong to no build (`kiln run`).
 */
async function terminateLeftovers({ db, buildHost, log }: Engine): Promise<void> {
  for (const { instanceId, owner, running } of await buildHost.list()) {
    const isBuild = parseArn(owner)?.kind === 'image';
    // Without an owner: given up before anything was started.
    if (!isBuild && (owner !== '' || running)) continue;
    const image = isBuild ? await findImage(db, owner) : undefined;
    if (image?.status === 'FAILED' && (await keptInstances(db, owner)).includes(instanceId)) continue;
    log.warn({ instanceId, owner }, 'terminating a left-over instance');
    await buildHost.terminate(instanceId).catch((error: unknown) => {
      log.error({ err: coerceError(error), instanceId }, 'a left-over instance could not be terminated');
    });
  }
}
