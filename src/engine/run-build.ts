import { type ClaimWatches, claimWatches } from '../state/claim-watches.ts';
import { isDatabaseLost } from '../state/database-lost.ts';
import type { ResolvedDefinitions } from '../state/tables.ts';
import { addImageTags } from '../state/transitions/add-image-tags.ts';
import { assertClaimed, ClaimLostError, type ImageClaim } from '../state/transitions/claim.ts';
import { type Claimed, type ClaimedAgain, claimImage } from '../state/transitions/claim-image.ts';
import { completeImage } from '../state/transitions/complete-image.ts';
import { parkImage } from '../state/transitions/park-image.ts';
import { recordResolution } from '../state/transitions/record-resolution.ts';
import { resumeImage } from '../state/transitions/resume-image.ts';
import { takeOverImage } from '../state/transitions/take-over-image.ts';
import { BuildFailure, coerceError } from '../util/faults.ts';
import type { BuildPlan } from './build-plan.ts';
import type { BuildProgress, BuildRun } from './build-run.ts';
import { watchForCancellation } from './cancellation.ts';
import { adoptDisks } from './checkpoints/adopted-disk.ts';
import { openBuildCache } from './checkpoints/build-cache.ts';
import { noteDurations } from './checkpoints/note-durations.ts';
import { reuseImage } from './checkpoints/reuse-image.ts';
import { reuseTags } from './checkpoints/reuse-tags.ts';
import { endFailedBuild } from './end-failed-build.ts';
import type { Engine } from './engine.ts';
import { executionRecords } from './execution-records.ts';
import { BuildParked } from './failure.ts';
import { openImageLog } from './image-log.ts';
import { loadPlan } from './load-plan.ts';
import { outputAmiRecord } from './output-ami.ts';
import { releaseBuild } from './release-build.ts';
import { abandonedProgress, restoreProgress } from './restore-progress.ts';
import { runStages } from './run-stages.ts';
import { haveEnded, settlePredecessors } from './settle-predecessors.ts';

/**
 * Builds one image, from its claim to AVAILABLE, FAILED or CANCELLED, or until it waits for somebody: then it is parked with
 * its instances, and a later call goes on with it. Whatever happens, nothing of the build is left running when its end is
 * recorded, but what the user asked to keep.
 *
 * Resolves also when the build failed or somebody else has the image; rejects only when its end could not be recorded:
 * then the image is given back to the queue (worker.ts).
 *
 * @param stop Aborted with a BuildCancelled when this process is to end.
 * @param watches Those of the process that runs the build. Default: the build has its own.
 */
export async function runBuild(
  worker: Engine,
  imageArn: string,
  stop: AbortSignal,
  watches: ClaimWatches = claimWatches(worker.db),
): Promise<void> {
  const { db, clock } = worker;
  const claimed = await take(worker, imageArn);
  if (claimed === undefined) return;
  const { image, predecessors } = claimed;
  const claim = { ...claimed.claim, patienceMs: worker.databasePatienceMs };
  // The image's, not the worker's: it may be of another home than the service.
  const engine = { ...worker, accountId: image.account_id, region: image.region };
  const log = openImageLog(engine, image);
  const cancellation = watchForCancellation(watches, claim, image, stop);
  const { signal } = cancellation;
  let progress = predecessors === undefined ? noProgress() : undefined;
  try {
    const monitor = log.monitorFor();
    monitor.line('kiln', `${predecessors === undefined ? 'Building' : 'Going on with'} ${imageArn}`);
    const plan = await loadPlan(engine, image, { signal, monitor });
    const records =
      predecessors === undefined
        ? []
        : await settlePredecessors({ engine, claim, image, plan, predecessors, monitor, signal });
    progress = await restoreProgress(engine, plan, records);
    if (predecessors !== undefined) await adoptDisks(engine, plan, progress, { monitor, signal });
    if (image.resolved === null) await recordResolution(db, claim, resolutionOf(plan));
    if (records.length === 0) signal.throwIfAborted();
    const cache = await openBuildCache(engine, plan, { monitor, signal });
    const run: BuildRun = { engine, claim, plan, progress, cache, monitorFor: log.monitorFor };

    const reused = records.length === 0 ? await reuseImage(run, signal) : false;
    await runStages(run, reused ? await executionRecords(db, imageArn) : records, signal);
    const outputResources = await describeOutput(run);
    await releaseBuild(engine, progress);
    if (!reused) await noteDurations(run, await executionRecords(db, imageArn));
    log.monitorFor().line('kiln', `Built ${imageArn}`);
    await log.flush();
    signal.throwIfAborted();
    await addImageTags(db, claim, reuseTags(run));
    await completeImage(db, claim, {
      outputResources,
      osVersion: progress.osVersion ?? plan.parent.osVersion,
      at: clock.now(),
    });
  } catch (thrown) {
    if (thrown instanceof BuildParked) {
      log.monitorFor().line('kiln', `${thrown.message}; the build goes on when it has been given one`);
      await log.flush();
      await parkImage(db, claim, engine.jobs);
      return;
    }
    // Nothing can be recorded: the build is let go as it is, and gone on with when the database is back (worker.ts).
    if (isDatabaseLost(thrown)) throw thrown;
    const cancelled = signal.aborted && !(thrown instanceof ClaimLostError);
    // A predecessor that thaws would remove what is kept here for RetryImage, which begins from the start without it.
    const isOurs = progress !== undefined || (await haveEnded(engine, predecessors ?? []));
    progress ??= await remainsOf(engine, claim);
    await endFailedBuild(
      { engine, claim, image, progress, isOurs, log },
      coerceError(cancelled ? signal.reason : thrown),
    );
  } finally {
    await cancellation.end();
    await log.close();
  }
}

/** Claims an image that is to be begun, one that was parked, or that of a lost worker. Undefined: there is nothing to do now. */
async function take(
  { db, clock, workerId, place, jobs }: Engine,
  imageArn: string,
): Promise<(Claimed & Partial<ClaimedAgain>) | undefined> {
  const claimant = { imageArn, workerId, place: place.id, at: clock.now() };
  const claimed = (await claimImage(db, claimant)) ?? (await takeOverImage(db, claimant));
  if (claimed !== undefined) return claimed;
  const resumed = await resumeImage(db, claimant);
  if (resumed === undefined || 'claim' in resumed) return resumed;
  await jobs.enqueue(db, imageArn, resumed);
  return undefined;
}

/** What is here of a build that ends before it could go on. Nothing of that is ours once somebody else has the image. */
async function remainsOf(engine: Engine, claim: ImageClaim): Promise<BuildProgress> {
  const found = await abandonedProgress(engine, claim.imageArn);
  try {
    // Asked when it is known what is there: what others make later is not among it.
    await assertClaimed(engine.db, claim);
    return found;
  } catch (error) {
    if (error instanceof ClaimLostError) return noProgress();
    throw error;
  }
}

function noProgress(): BuildProgress {
  return { instances: new Map(), kept: new Set(), outputAmiId: undefined, osVersion: undefined };
}

function resolutionOf({ parent, components }: BuildPlan): ResolvedDefinitions {
  return { parentAmiId: parent.amiId, componentArns: components.map(({ id }) => id) };
}

/**
 * AWS's OutputResources. The AMI is already where it belongs: Kiln distributes to its own Region. An image without a build
 * workflow and without a distribution makes nothing.
 */
async function describeOutput({ engine, plan, progress }: BuildRun): Promise<Readonly<Record<string, unknown>>> {
  const amiId = progress.outputAmiId;
  const isBuilt = plan.workflows.some(({ document }) => document.type === 'BUILD');
  if (amiId === undefined && !isBuilt) return { amis: [] };
  const ami = amiId === undefined ? undefined : await engine.imageStore.get(amiId);
  if (ami === undefined) throw new BuildFailure('The build workflow made no AMI');
  return { amis: [outputAmiRecord(engine, ami)] };
}
