import { findImage, type ImageRow } from '../state/find-resource.ts';
import { keptInstances } from '../state/kept-instances.ts';
import { documentStepHistory, type StepHistory, stepHistory } from '../state/step-history.ts';
import { ClaimLostError, type ImageClaim } from '../state/transitions/claim.ts';
import { type OutputAmi, putOutputAmis } from '../state/transitions/put-output-amis.ts';
import { coerceError } from '../util/faults.ts';
import type { BuildProgress } from './build-run.ts';
import type { Engine } from './engine.ts';
import { BuildCancelled, describeBuildFailure, WorkflowFailed } from './failure.ts';
import { causeLine } from './failure-cause/cause-line.ts';
import { type FailureOnRecord, failureOnRecord } from './failure-cause/failure-on-record.ts';
import { isForeseen } from './foreseen.ts';
import type { ImageLog } from './image-log.ts';
import { outputAmiRecord } from './output-ami.ts';
import { recordEnd } from './record-end.ts';
import { releaseBuild } from './release-build.ts';
import { keyOfDocumentStep } from './steps/document-durations.ts';

/** Builds that end in them can be retried from there, and need their AMIs for it. */
const RETRIED_STAGES = ['TESTING', 'DISTRIBUTING', 'INTEGRATING'] as const;

interface FailedBuild {
  readonly engine: Engine;
  readonly claim: ImageClaim;
  readonly image: ImageRow;
  readonly progress: BuildProgress;
  /** Whether nobody else may still come back for what was made. */
  readonly isOurs: boolean;
  readonly log: ImageLog;
}

/**
 * Ends a build that did not become AVAILABLE: what it made is removed, then FAILED or CANCELLED is recorded, so that
 * whoever reads that state finds nothing left. What stays is on record: the AMIs of a build that was past its build stage,
 * because RetryImage goes on with them; an instance that the user asked to keep, and with it the AMIs whose disk it may run
 * on. The reason then says how to enter and how to end it.
 */
export async function endFailedBuild(
  { engine, claim, image, progress, isOurs, log }: FailedBuild,
  error: Error,
): Promise<void> {
  const { db } = engine;
  const cancelled = error instanceof BuildCancelled;
  if (cancelled) progress.kept.clear();
  await releaseBuild(engine, progress);
  // Listed before the claim is looked at: what somebody makes who takes the image over later is not among them.
  const [here, amiIds] = await Promise.all([engine.buildHost.list(), amisOf(engine, image.arn, progress)]);
  // The last write of a good build may have arrived although its answer did not. Under another claim it was another's.
  const now = await findImage(db, image.arn);
  if (now?.status === 'AVAILABLE' && now.epoch === claim.epoch) return;
  // Whoever has the image now may have instances of it at this place.
  if (error instanceof ClaimLostError || now?.epoch !== claim.epoch) {
    await removeLostOutput(engine, progress);
    return;
  }
  const ofImage = here.filter(({ owner }) => owner === image.arn);
  await endUnknownInstances(engine, image.arn, ofImage, { kept: progress.kept, cancelled });
  try {
    const remark = await removeOutput({ engine, claim, image: now, progress, isOurs }, amiIds);
    if (cancelled) {
      log.monitorFor().line('kiln', `Cancelled: ${error.message}`);
      await log.flush();
      await recordEnd(engine, claim, { status: 'CANCELLED', reason: error.message });
      return;
    }
    if (!isForeseen(error)) engine.log.error({ err: error, image: image.arn }, 'an unexpected error ended a build');
    const remarks = [await explain(engine, image.arn, error), keptRemark(image, progress), remark];
    const { reason, context } = describeBuildFailure(error, remarks.filter((part) => part !== '').join(' | '));
    log.monitorFor().line('kiln', `Failed: ${reason}`);
    await log.flush();
    const failure = failureOnRecord(causeOf(error));
    await recordEnd(engine, claim, { status: 'FAILED', reason, failure, failureContext: context });
  } catch (thrown) {
    // Somebody else has the image, or it was deleted: its end is not ours to record.
    if (!(thrown instanceof ClaimLostError)) throw thrown;
  }
}

/**
 * A build that could not be gone on with does not know what instances it has. Those that were kept in an earlier try stay
 * until somebody ends them, or cancels the image.
 */
async function endUnknownInstances(
  { db, buildHost, log }: Engine,
  imageArn: string,
  instances: readonly { readonly instanceId: string }[],
  { kept, cancelled }: { readonly kept: ReadonlySet<string>; readonly cancelled: boolean },
): Promise<void> {
  const staying = new Set([...kept, ...(cancelled ? [] : await keptInstances(db, imageArn))]);
  for (const { instanceId } of instances) {
    if (staying.has(instanceId)) continue;
    await buildHost.terminate(instanceId).catch((error: unknown) => {
      log.error({ err: coerceError(error), instanceId }, 'an instance could not be terminated');
    });
  }
}

/** What class the failure is of and what to do next; of a timeout, how long the step took before. */
async function explain({ db }: Engine, imageArn: string, error: Error): Promise<string> {
  const cause = failureOnRecord(causeOf(error));
  if (cause.class !== 'timeout') return causeLine(cause, undefined);
  return causeLine(cause, await historyOf(db, imageArn, cause, error));
}

function causeOf(error: Error): Error {
  return error instanceof WorkflowFailed ? error.cause : error;
}

/** Of what took too long: of the step of a component when that was it, else of the step of the workflow. */
function historyOf(
  db: Engine['db'],
  imageArn: string,
  { context: { componentFailure } }: FailureOnRecord,
  error: Error,
): Promise<StepHistory | undefined> {
  if (componentFailure !== undefined) {
    const { componentArn, phaseName, stepName } = componentFailure;
    return documentStepHistory(db, { imageArn, key: keyOfDocumentStep(componentArn, phaseName, stepName) });
  }
  const { name: stepName, action } = error instanceof WorkflowFailed ? error.step : { name: '', action: '' };
  return stepHistory(db, { imageArn, stepName, action });
}

/** Whoever has the image now makes an AMI of their own; of those made before, they know by the records. */
async function removeLostOutput({ imageStore, log }: Engine, { outputAmiId }: BuildProgress): Promise<void> {
  if (outputAmiId === undefined) return;
  try {
    if ((await imageStore.get(outputAmiId)) !== undefined) await imageStore.remove(outputAmiId);
  } catch (error) {
    log.error({ err: coerceError(error), amiId: outputAmiId }, 'the AMI of a lost build could not be removed');
  }
}

/** The AMIs of a build that are here, the newest first; the last one alone, when the store cannot tell. */
async function amisOf(
  { imageStore, log }: Engine,
  imageArn: string,
  { outputAmiId }: BuildProgress,
): Promise<readonly string[]> {
  try {
    const amis = (await imageStore.list()).filter(({ source }) => source === imageArn);
    return amis.map(({ amiId }) => amiId).toReversed();
  } catch (error) {
    log.error({ err: coerceError(error), image: imageArn }, 'the AMIs of a failed build could not be listed');
    return outputAmiId === undefined ? [] : [outputAmiId];
  }
}

/**
 * Removes the AMIs of a build that failed after they were made, or records those that stay, so that they can be removed
 * with the image. Gives what the reason has to say about them.
 */
async function removeOutput(
  { engine, claim, image, progress: { kept }, isOurs }: Omit<FailedBuild, 'log'>,
  amiIds: readonly string[],
): Promise<string> {
  const isRetried = isOurs && RETRIED_STAGES.some((stage) => stage === image.status);
  const stays: OutputAmi[] = [];
  const remarks: string[] = [];
  for (const amiId of amiIds) {
    try {
      const ami = await engine.imageStore.get(amiId);
      if (ami === undefined) continue;
      if (kept.size === 0 && !isRetried) await engine.imageStore.remove(amiId);
      else stays.unshift(outputAmiRecord(engine, ami));
      const fate = kept.size > 0 ? 'kept with it' : isRetried ? 'kept for RetryImage' : 'removed';
      remarks.unshift(`${amiId} was ${fate}.`);
    } catch (error) {
      const facts = { err: coerceError(error), image: image.arn, amiId };
      engine.log.error(facts, 'the AMI of a failed build could not be removed');
      remarks.unshift(`${amiId} could not be removed.`);
    }
  }
  const before = (image.output_resources['amis'] ?? []) as readonly unknown[];
  if (stays.length > 0 || before.length > 0) await putOutputAmis(engine.db, claim, stays);
  return remarks.join(' ');
}

function keptRemark(image: ImageRow, { kept, instances }: BuildProgress): string {
  return [...kept]
    .map((instanceId) => {
      const enter = instances.get(instanceId)?.instance.enterCommand ?? '';
      return `Instance ${instanceId} was kept: enter it with \`${enter}\`, end it with \`kiln rm ${image.arn}\`.`;
    })
    .join(' ');
}
