import { WORKFLOW_ACTIONS } from '../../documents/workflow-actions.ts';
import type { MachineImage } from '../../image-store/image-store.ts';
import { BuildFailure } from '../../util/faults.ts';
import { amiIdOf, amiIdsOf } from '../ami-id.ts';
import {
  mapListInput,
  type StepAction,
  type StepContext,
  type StepInputs,
  type StepResult,
  textInput,
} from './step-action.ts';

export const registerImage: StepAction = { definition: WORKFLOW_ACTIONS.RegisterImage, run, resume };

async function run(inputs: StepInputs, context: StepContext): Promise<StepResult> {
  const { engine, claim, plan, progress, monitor, signal } = context;
  const [root] = mapListInput(inputs, 'blockDeviceMapping') ?? [];
  const deviceName = root === undefined ? undefined : textInput(root, 'DeviceName');
  const original = await diskOwner(textInput((root?.['Ebs'] ?? {}) as StepInputs, 'SnapshotId') ?? '', context);
  checkFits(inputs, original, deviceName);
  const amiId = amiIdOf(context.stepExecutionId, claim.epoch);
  progress.outputAmiId = amiId;
  const description = textInput(inputs, 'description') ?? plan.output.description;
  const image = await engine.imageStore.reuse(
    {
      ...{ amiId, of: original.amiId, name: plan.output.name },
      ...(description === undefined ? {} : { description }),
      tags: { ...(inputs['includeSnapshotTags'] === true ? ownTags(original) : {}), ...plan.output.tags },
      // Recovery after a crash finds the AMIs of a build by this.
      source: plan.imageArn,
    },
    { signal, monitor },
  );
  monitor.line('kiln', `Registered ${amiId} '${image.name}' with the disk of ${original.amiId}`);
  return { outputs: { imageId: amiId } };
}

/** The AMI of the step, if it was made. */
async function resume(inputs: StepInputs, context: StepContext): Promise<StepResult> {
  for (const amiId of amiIdsOf(context.stepExecutionId, context.claim.epoch)) {
    if ((await context.engine.imageStore.get(amiId)) === undefined) continue;
    context.progress.outputAmiId = amiId;
    return { outputs: { imageId: amiId } };
  }
  return run(inputs, context);
}

/** Disks have no ids of their own: a snapshot is the disk of an AMI, and has its digits. */
async function diskOwner(snapshotId: string, { engine }: StepContext): Promise<MachineImage> {
  const amiId = snapshotId.replace(/^snap-/, 'ami-');
  const image = await engine.imageStore.get(amiId);
  if (image !== undefined) return image;
  throw new BuildFailure(`There is no snapshot '${snapshotId}'`, {
    hint: 'A snapshot is `snap-` and the digits of an AMI of this installation.',
  });
}

function checkFits(inputs: StepInputs, { architecture, amiId }: MachineImage, deviceName: string | undefined): void {
  const wanted = textInput(inputs, 'architecture');
  if (wanted !== undefined && wanted !== architecture) {
    throw new BuildFailure(`The disk of ${amiId} is for ${architecture}, not for ${wanted}`);
  }
  const rootDeviceName = textInput(inputs, 'rootDeviceName');
  if (rootDeviceName !== undefined && rootDeviceName !== deviceName) {
    throw new BuildFailure(`blockDeviceMapping has no device '${rootDeviceName}' (rootDeviceName)`);
  }
}

/** Keys of AWS's own are not handed on. Source: User Guide, RegisterImage. */
function ownTags({ tags }: MachineImage): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(tags).filter(([key]) => !key.startsWith('aws:')));
}
