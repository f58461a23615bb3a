import type { Distribution } from '@aws-sdk/client-imagebuilder';
import { WORKFLOW_ACTIONS } from '../../documents/workflow-actions.ts';
import { BuildFailure } from '../../util/faults.ts';
import { amiIdOf, amiIdsOf } from '../ami-id.ts';
import { distributeAmi, ownerOf } from '../distribution/distribute-ami.ts';
import { distributedRecord } from '../distribution/distributed-image.ts';
import {
  mapListInput,
  type StepAction,
  type StepContext,
  type StepInputs,
  type StepResult,
  textInput,
} from './step-action.ts';

export const distributeImage: StepAction = { definition: WORKFLOW_ACTIONS.DistributeImage, run, resume };

/** Doing it again gives the same, but for an AMI that was made: there is to be one. */
async function resume(inputs: StepInputs, context: StepContext): Promise<StepResult> {
  const { engine, claim, progress, stepExecutionId } = context;
  for (const amiId of amiIdsOf(stepExecutionId, claim.epoch)) {
    if ((await engine.imageStore.get(amiId)) !== undefined) progress.outputAmiId ??= amiId;
  }
  return run(inputs, context);
}

async function run(inputs: StepInputs, context: StepContext): Promise<StepResult> {
  const { engine, claim, plan, stepExecutionId, monitor } = context;
  const wanted = mapListInput(inputs, 'distributions')?.map(distributionOf) ?? plan.distributions;
  const here = wanted.length === 0 ? [{ region: engine.region }] : wanted;
  if (new Set(here.map(({ region }) => region)).size < here.length) {
    throw new BuildFailure("Input 'distributions' names a Region twice");
  }
  const distributedImages: StepInputs[] = [];
  for (const distribution of here) {
    const started = engine.clock.now();
    const image = await distributeAmi(context, distribution, amiIdOf(stepExecutionId, claim.epoch), context);
    monitor.line('kiln', `${image.amiId} is '${image.name}' in ${engine.region}`);
    const record = { ...image, region: engine.region, accountId: ownerOf(context) };
    distributedImages.push(distributedRecord(record, started, engine.clock.now()));
  }
  return { outputs: { distributedImages } };
}

function distributionOf(item: StepInputs): Distribution {
  const tags = item['amiTags'];
  return {
    region: textInput(item, 'region'),
    amiDistributionConfiguration: {
      name: textInput(item, 'name'),
      description: textInput(item, 'description'),
      ...(tags === undefined ? {} : { amiTags: tags as Record<string, string> }),
    },
  };
}
