import { WORKFLOW_ACTIONS } from '../../documents/workflow-actions.ts';
import type { BuildContent } from '../../image-store/image-store.ts';
import { amiIdOf, amiIdsOf } from '../ami-id.ts';
import type { BuildHistory } from '../checkpoints/build-history.ts';
import type { StepRow } from '../execution-records.ts';
import { instanceAnswers } from '../instance-answers.ts';
import {
  instanceOf,
  type ResumeContext,
  type StepAction,
  type StepContext,
  type StepInputs,
  type StepResult,
  textInput,
} from './step-action.ts';

export const createImage: StepAction = { definition: WORKFLOW_ACTIONS.CreateImage, run, resume, whyNotResumable };

const ANSWER_MS = 30_000;

/** The AMI of the step, if it was made; else the instance is captured, which may have been begun. */
async function resume(inputs: StepInputs, context: StepContext): Promise<StepResult> {
  const made = await findMade(context.stepExecutionId, context);
  if (made === undefined) return run(inputs, context);
  context.progress.outputAmiId = made;
  context.monitor.line('kiln', `Found ${made}, which had been created`);
  return { outputs: { imageId: made } };
}

async function whyNotResumable(step: StepRow, context: ResumeContext): Promise<string | undefined> {
  if ((await findMade(step.id, context)) !== undefined) return undefined;
  const instanceId = textInput(step.inputs as StepInputs, 'instanceId') ?? '';
  const running = await context.engine.buildHost.find(instanceId);
  if (running === undefined) return `instance ${instanceId} was stopped, and no AMI made of it`;
  // One that was brought to rest takes no commands any more, and none can say how far that had come.
  if (await instanceAnswers(running, ANSWER_MS, context.signal)) return undefined;
  return `instance ${instanceId} was being brought to rest`;
}

async function findMade(
  stepExecutionId: string,
  { engine, claim }: Pick<ResumeContext, 'engine' | 'claim'>,
): Promise<string | undefined> {
  for (const amiId of amiIdsOf(stepExecutionId, claim.epoch)) {
    if ((await engine.imageStore.get(amiId)) !== undefined) return amiId;
  }
  return undefined;
}

async function run(inputs: StepInputs, context: StepContext): Promise<StepResult> {
  const { engine, claim, plan, progress, monitor, signal } = context;
  const { instance, amiId: parentAmiId, history } = instanceOf(inputs, context);
  await history?.settled();
  monitor.line('kiln', `Stopping instance ${instance.instanceId}`);
  const disk = await instance.stopForCapture({ signal, monitor });
  const imageId = amiIdOf(context.stepExecutionId, claim.epoch);
  progress.outputAmiId = imageId;
  const layers = (await history?.layers()) ?? [];
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
      layers,
      ...contentOf(context, history),
    },
    { signal, monitor },
  );
  monitor.line('kiln', `Created ${imageId} '${image.name}'`);
  return { outputs: { imageId } };
}

/** What the build was by content, so that one that is the same need not be made again. */
function contentOf({ cache }: StepContext, history: BuildHistory | undefined): { readonly made?: BuildContent } {
  const key = cache?.imageKey;
  // Some component has left no record: it is not known how old the image is.
  if (cache === undefined || key === undefined || history === undefined) return {};
  const count = cache.components.length;
  if (history.records.length !== count) return {};
  // What a component took in has changed since the key was made of it.
  if (count > 0 && history.keyAfter(count - 1, 'direct') === undefined) return {};
  const testKey = cache.testKey;
  return { made: { key, facts: history.facts(), ...(testKey === undefined ? {} : { testKey }) } };
}
