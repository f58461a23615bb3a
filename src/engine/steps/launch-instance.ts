import { randomBytes } from 'node:crypto';
import type { Executor } from '../../build-host/build-host.ts';
import { WORKFLOW_ACTIONS } from '../../documents/workflow-actions.ts';
import type { MachineImage } from '../../image-store/image-store.ts';
import { BuildFailure } from '../../util/faults.ts';
import type { RollbackContext, StepAction, StepContext, StepInputs, StepResult } from './step-action.ts';
import { textInput, textListInput } from './step-action.ts';

export const launchInstance: StepAction = { definition: WORKFLOW_ACTIONS.LaunchInstance, run, rollback };

/** The driver gives up a little before the step's time is up: its error says what the console showed. */
const DRIVER_MARGIN_SECONDS = 5;

async function run(inputs: StepInputs, context: StepContext): Promise<StepResult> {
  const { engine, plan, progress, monitor, signal } = context;
  const amiId = await imageToBoot(inputs, context);
  const parentDisk = await engine.imageStore.bootDisk(amiId);
  const instanceId = `i-${randomBytes(9).toString('hex').slice(0, 17)}`;
  monitor.line('kiln', `Launching instance ${instanceId} from ${amiId}`);
  const instance = await engine.buildHost.launch(
    {
      instanceId,
      parentDisk,
      instanceTypes: textListInput(inputs, 'instanceTypesOverride') ?? plan.instanceTypes,
      ...(plan.rootVolumeSizeGiB === undefined ? {} : { rootVolumeSizeGiB: plan.rootVolumeSizeGiB }),
      extraVolumes: plan.extraVolumes,
      ...(plan.userData === undefined ? {} : { userData: plan.userData }),
      // Recovery after a crash finds the instances of a build by this.
      owner: plan.imageArn,
      executor: await executorFor(amiId, context),
      timeoutSeconds: Math.max(1, context.timeoutSeconds - DRIVER_MARGIN_SECONDS),
    },
    { signal, monitor },
  );
  progress.instances.set(instanceId, { instance, amiId });
  monitor.line('kiln', `Instance ${instanceId} takes commands`);
  return { outputs: { instanceId } };
}

/**
 * What is tested is the image as it boots. A disk that somebody else made is not mounted on this machine: the kernel's file
 * systems are not made for disks that lie.
 */
async function executorFor(amiId: string, { engine, plan, workflowType, monitor }: StepContext): Promise<Executor> {
  if (workflowType !== 'BUILD' || plan.executor === 'vm') return 'vm';
  if (plan.executor === 'direct' && !plan.terminateInstanceOnFailure) {
    throw new BuildFailure(
      'The executor cannot be direct: the instance is to be kept when it fails, and a mounted disk cannot be',
    );
  }
  for (let id: string | undefined = amiId; id !== undefined; ) {
    const image: MachineImage | undefined = await engine.imageStore.get(id);
    if (image?.source !== 'import') {
      id = image?.parentAmiId;
      continue;
    }
    const why = `${id} was imported, and disks that were made elsewhere are not mounted on this host`;
    if (plan.executor === 'direct') throw new BuildFailure(`The executor cannot be direct: ${why}`);
    monitor.line('kiln', `The executor is vm: ${why}`);
    return 'vm';
  }
  return plan.executor;
}

/** Ends the instance, or keeps it when the infrastructure configuration or the step says so. */
async function rollback(outputs: StepInputs, context: RollbackContext): Promise<'COMPLETED' | 'SKIPPED'> {
  const { engine, plan, progress, monitor } = context;
  const instanceId = textInput(outputs, 'instanceId') ?? '';
  if (!progress.instances.has(instanceId)) return 'SKIPPED';
  if (!plan.terminateInstanceOnFailure || !context.rollbackEnabled) {
    progress.kept.add(instanceId);
    return 'SKIPPED';
  }
  await engine.buildHost.terminate(instanceId);
  progress.instances.delete(instanceId);
  monitor.line('kiln', `Terminated instance ${instanceId}`);
  return 'COMPLETED';
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
  if (outputAmiId === undefined) throw new BuildFailure('The build workflow made no AMI that could be launched');
  return outputAmiId;
}
