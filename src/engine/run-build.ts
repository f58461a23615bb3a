import { ClaimLostError } from '../state/transitions/claim.ts';
import { claimImage } from '../state/transitions/claim-image.ts';
import { completeImage } from '../state/transitions/complete-image.ts';
import { setImageStatus } from '../state/transitions/set-image-status.ts';
import { BuildFailure, coerceError } from '../util/faults.ts';
import type { BuildProgress, BuildRun } from './build-run.ts';
import { watchForCancellation } from './cancellation.ts';
import { endFailedBuild } from './end-failed-build.ts';
import type { Engine } from './engine.ts';
import { openImageLog } from './image-log.ts';
import { loadPlan } from './load-plan.ts';
import { outputAmiRecord } from './output-ami.ts';
import { releaseBuild } from './release-build.ts';
import { runWorkflow, type WorkflowOutputs } from './run-workflow.ts';
import { withTimeout } from './step-timeout.ts';

/**
 * Builds one image, from its claim to AVAILABLE, FAILED or CANCELLED. Whatever happens, nothing of the build is left
 * running or stored when its end is recorded, but what the user asked to keep.
 *
 * Resolves also when the build failed or somebody else has the image; rejects only when its end could not be recorded,
 * and then the next start of this installation records it (recover-builds.ts).
 *
 * @param stop Aborted with a BuildCancelled when this process is to end.
 */
export async function runBuild(engine: Engine, imageArn: string, stop: AbortSignal): Promise<void> {
  const { db, clock, workerId } = engine;
  const claimed = await claimImage(db, { imageArn, workerId, at: clock.now() });
  if (claimed === undefined) return;
  const { claim, image } = claimed;
  const log = openImageLog(engine, image);
  const cancellation = watchForCancellation(engine, imageArn, stop);
  const { signal } = cancellation;
  const progress: BuildProgress = {
    instances: new Map(),
    kept: new Set(),
    outputAmiId: undefined,
    osVersion: undefined,
  };
  try {
    log.monitorFor().line('kiln', `Building ${imageArn}`);
    const plan = await loadPlan(engine, image, { signal, monitor: log.monitorFor() });
    signal.throwIfAborted();
    const run: BuildRun = { engine, claim, plan, progress, monitorFor: log.monitorFor };

    await setImageStatus(db, claim, 'BUILDING', clock.now());
    const outputs = await runWorkflow(run, plan.buildWorkflow, 0, {}, signal);

    if (plan.testWorkflows.length > 0) {
      await setImageStatus(db, claim, 'TESTING', clock.now());
      await runTests(run, outputs, signal);
    }

    await setImageStatus(db, claim, 'DISTRIBUTING', clock.now());
    const outputResources = await describeOutput(run);
    await releaseBuild(engine, progress);
    log.monitorFor().line('kiln', `Built ${imageArn}`);
    await log.flush();
    signal.throwIfAborted();
    await completeImage(db, claim, {
      outputResources,
      osVersion: progress.osVersion ?? plan.parent.osVersion,
      at: clock.now(),
    });
  } catch (thrown) {
    const cancelled = signal.aborted && !(thrown instanceof ClaimLostError);
    await endFailedBuild({ engine, claim, image, progress, log }, coerceError(cancelled ? signal.reason : thrown));
  } finally {
    await cancellation.end();
    await log.close();
  }
}

/** Every test workflow, one after the other, within the time that the image's test configuration gives them all. */
async function runTests(run: BuildRun, buildOutputs: WorkflowOutputs, signal: AbortSignal): Promise<void> {
  const { testWorkflows, testTimeoutMinutes } = run.plan;
  const late = (): Error => new BuildFailure(`the tests took longer than ${testTimeoutMinutes} minutes`);
  await withTimeout(testTimeoutMinutes * 60, signal, late, async (within) => {
    let outputs = buildOutputs;
    for (const [index, workflow] of testWorkflows.entries()) {
      outputs = { ...outputs, ...(await runWorkflow(run, workflow, index + 1, outputs, within)) };
    }
  });
}

/** AWS's OutputResources. The AMI is already where it belongs: Kiln distributes to its own Region. */
async function describeOutput({ engine, progress }: BuildRun): Promise<Readonly<Record<string, unknown>>> {
  const amiId = progress.outputAmiId;
  const ami = amiId === undefined ? undefined : await engine.imageStore.get(amiId);
  if (ami === undefined) throw new BuildFailure('The build workflow made no AMI');
  return { amis: [outputAmiRecord(engine, ami)] };
}
