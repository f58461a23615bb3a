import { WORKFLOW_ACTIONS } from '../../documents/workflow-actions.ts';
import type { LaunchPermission } from '../../image-store/image-store.ts';
import { checkRegion, recordLaunchPermission } from '../distribution/distribute-ami.ts';
import { distributedInput, distributedRecord } from '../distribution/distributed-image.ts';
import {
  mapListInput,
  type StepAction,
  type StepContext,
  type StepInputs,
  type StepResult,
  textInput,
} from './step-action.ts';

export const modifyImageAttributes: StepAction = {
  definition: WORKFLOW_ACTIONS.ModifyImageAttributes,
  run,
  resume: run,
};

async function run(inputs: StepInputs, context: StepContext): Promise<StepResult> {
  const { engine, plan } = context;
  const given = mapListInput(inputs, 'attributes');
  for (const item of given ?? []) checkRegion(context, textInput(item, 'region'));
  const modifiedImages: StepInputs[] = [];
  for (const image of distributedInput(inputs)) {
    const started = engine.clock.now();
    const ofRegion =
      given === undefined
        ? plan.distributions.find(({ region }) => region === image.region)?.amiDistributionConfiguration
            ?.launchPermission
        : given.find((item) => item['region'] === image.region)?.['launchPermission'];
    const { name } = await recordLaunchPermission(context, image, (ofRegion ?? {}) as LaunchPermission, context);
    modifiedImages.push(distributedRecord({ ...image, name }, started, engine.clock.now()));
  }
  return { outputs: { modifiedImages } };
}
