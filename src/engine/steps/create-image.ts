import { randomBytes } from 'node:crypto';
import { WORKFLOW_ACTIONS } from '../../documents/workflow-actions.ts';
import { instanceOf, type StepAction, type StepContext, type StepInputs, type StepResult } from './step-action.ts';

export const createImage: StepAction = { definition: WORKFLOW_ACTIONS.CreateImage, run };

async function run(inputs: StepInputs, context: StepContext): Promise<StepResult> {
  const { engine, plan, progress, monitor, signal } = context;
  const { instance, amiId: parentAmiId } = instanceOf(inputs, context);
  monitor.line('kiln', `Stopping instance ${instance.instanceId}`);
  const disk = await instance.stopForCapture({ signal, monitor });
  const imageId = `ami-${randomBytes(9).toString('hex').slice(0, 17)}`;
  progress.outputAmiId = imageId;
  const osVersion = progress.osVersion ?? plan.parent.osVersion;
  const image = await engine.imageStore.capture(
    {
      amiId: imageId,
      diskPath: disk.path,
      parentAmiId,
      name: plan.output.name,
      ...(plan.output.description === undefined ? {} : { description: plan.output.description }),
      ...(osVersion === undefined ? {} : { osVersion }),
      tags: plan.output.tags,
      // Recovery after a crash finds the AMIs of a build by this.
      source: plan.imageArn,
    },
    { signal, monitor },
  );
  monitor.line('kiln', `Created ${imageId} '${image.name}'`);
  return { outputs: { imageId } };
}
