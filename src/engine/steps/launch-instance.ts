import { randomBytes } from 'node:crypto';
import type { Instance, LaunchRequest } from '../../build-host/build-host.ts';
import { WORKFLOW_ACTIONS } from '../../documents/workflow-actions.ts';
import { BuildFailure, coerceError } from '../../util/faults.ts';
import type { Monitor } from '../../util/monitor.ts';
import type { LaunchedInstance } from '../build-run.ts';
import type { StartingPoint } from '../checkpoints/build-cache.ts';
import { endInstance } from '../release-build.ts';
import { chooseExecutor } from './choose-executor.ts';
import type { RollbackContext, StepAction, StepContext, StepInputs, StepResult } from './step-action.ts';
import { textInput, textListInput } from './step-action.ts';

export const launchInstance: StepAction = {
  definition: WORKFLOW_ACTIONS.LaunchInstance,
  run,
  // What was being launched has been ended (settle-predecessors.ts).
  resume: run,
  rollback,
};

/** The driver gives up a little before the step's time is up: its error says what the console showed. */
const DRIVER_MARGIN_SECONDS = 5;
const BOOT_TO_KEEP_MS = 10 * 60_000;

async function run(inputs: StepInputs, context: StepContext): Promise<StepResult> {
  const { engine, plan, progress, monitor, signal } = context;
  const amiId = await imageToBoot(inputs, context);
  const parentDisk = await engine.imageStore.bootDisk(amiId);
  const instanceId = `i-${randomBytes(9).toString('hex').slice(0, 17)}`;
  const { executor, why } = await chooseExecutor(amiId, context);
  const ownTypes = textListInput(inputs, 'instanceTypesOverride');
  const request: LaunchRequest = {
    instanceId,
    parentDisk,
    instanceTypes: ownTypes ?? plan.instanceTypes,
    ...(plan.rootVolumeSizeGiB === undefined ? {} : { rootVolumeSizeGiB: plan.rootVolumeSizeGiB }),
    extraVolumes: plan.extraVolumes,
    ...(plan.userData === undefined ? {} : { userData: plan.userData }),
    // Recovery after a crash finds the instances of a build by this.
    owner: plan.imageArn,
    executor,
    timeoutSeconds: Math.max(1, context.timeoutSeconds - DRIVER_MARGIN_SECONDS),
  };
  const isBuild = context.workflowType === 'BUILD';
  const places = isBuild
    ? context.cache?.startingPoints(executor, monitor, signal)
    : await testPlaces(inputs, amiId, context);
  const launched = await launchSomewhere(request, places, context, amiId);
  progress.instances.set(instanceId, { ...launched, whyMachine: launched.instance.bootedBecause ?? why });
  if (isBuild && launched.history !== undefined) progress.reused = launched.history.reused;
  monitor.line('kiln', `Instance ${instanceId} takes commands`);
  // The last two are for `kiln shell`, which makes such an instance again.
  return { outputs: { instanceId, imageId: amiId, ...(ownTypes === undefined ? {} : { instanceTypes: ownTypes }) } };
}

/** Of instances as the test workflow has them by default; others are booted. */
async function testPlaces(inputs: StepInputs, amiId: string, { engine, cache, monitor, signal }: StepContext) {
  if (cache === undefined || Object.keys(inputs).some((name) => /Override/.test(name))) return undefined;
  const image = await engine.imageStore.get(amiId);
  return image === undefined ? undefined : cache.testStartingPoints(image, monitor, signal);
}

/** Launches from the first place that works: checkpoints first, and the parent's own disk at last. */
async function launchSomewhere(
  request: LaunchRequest,
  places: AsyncIterable<StartingPoint> | undefined,
  { engine, monitor, signal }: StepContext,
  amiId: string,
): Promise<LaunchedInstance> {
  for await (const { disk, state, history, spoiled } of places ?? []) {
    const ranAt = engine.clock.now();
    try {
      monitor.line(
        'kiln',
        `Launching instance ${request.instanceId} from ${disk === undefined ? amiId : 'a checkpoint'}`,
      );
      const parentDisk = disk === undefined ? request.parentDisk : ({ path: disk, format: 'qcow2' } as const);
      const instance = await engine.buildHost.launch(
        { ...request, parentDisk, ...(state === undefined ? {} : { resumeFrom: state }) },
        { signal, monitor },
      );
      const seconds = (engine.clock.now().getTime() - ranAt.getTime()) / 1000;
      // Also a disk of a checkpoint may have been booted, where it could not be mounted.
      if (state === undefined) await history.booted(instance, { ranAt, seconds }, { signal, monitor });
      return { instance, amiId, history };
    } catch (error) {
      await history.close();
      signal.throwIfAborted();
      if (disk === undefined) throw error;
      await spoiled(coerceError(error));
    }
  }
  monitor.line('kiln', `Launching instance ${request.instanceId} from ${amiId}`);
  return { instance: await engine.buildHost.launch(request, { signal, monitor }), amiId };
}

/** Ends the instance, or keeps it when the infrastructure configuration or the step says so. */
async function rollback(outputs: StepInputs, context: RollbackContext): Promise<'COMPLETED' | 'SKIPPED'> {
  const { engine, plan, progress, monitor } = context;
  const instanceId = textInput(outputs, 'instanceId') ?? '';
  const launched = progress.instances.get(instanceId);
  if (launched === undefined) return 'SKIPPED';
  const { instance } = launched;
  if (!(plan.terminateInstanceOnFailure && context.rollbackEnabled) && (await becomesMachine(instance, monitor))) {
    progress.kept.add(instanceId);
    return 'SKIPPED';
  }
  await endInstance(engine, progress, instanceId);
  monitor.line('kiln', `Terminated instance ${instanceId}`);
  return 'COMPLETED';
}

/** Mounted disks end with this process: what a person is to look at later has to be a machine. False when it cannot be. */
async function becomesMachine({ unbooted }: Instance, monitor: Monitor): Promise<boolean> {
  if (unbooted === undefined) return true;
  if (unbooted.boot === undefined) return false;
  const signal = AbortSignal.timeout(BOOT_TO_KEEP_MS);
  try {
    monitor.line('kiln', 'Booting the disk, so that it can be kept');
    await unbooted.checkpoint(signal);
    await unbooted.boot({ signal, monitor });
    return true;
  } catch (error) {
    monitor.line('kiln', `The instance cannot be kept: ${coerceError(error).message}`);
    return false;
  }
}

async function imageToBoot(inputs: StepInputs, context: StepContext): Promise<string> {
  const override = textInput(inputs, 'imageIdOverride');
  if (override !== undefined) {
    if ((await context.engine.imageStore.get(override)) === undefined) {
      throw new BuildFailure(`There is no AMI '${override}' (imageIdOverride)`);
    }
    return override;
  }
  if (context.workflowType === 'BUILD') return context.plan.parent.amiId;
  const { outputAmiId } = context.progress;
  if (outputAmiId !== undefined) return outputAmiId;
  const { workflows, parent } = context.plan;
  if (workflows.some(({ document }) => document.type === 'BUILD')) {
    throw new BuildFailure('The build workflow made no AMI that could be launched');
  }
  // An image that is not built: what is tested is what its recipe names.
  return parent.amiId;
}
