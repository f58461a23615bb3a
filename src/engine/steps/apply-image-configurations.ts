import { WORKFLOW_ACTIONS } from '../../documents/workflow-actions.ts';
import { amiParameters, checkRegion, putAmiParameters } from '../distribution/distribute-ami.ts';
import { distributedInput, distributedRecord } from '../distribution/distributed-image.ts';
import { enterStage } from '../enter-stage.ts';
import {
  mapListInput,
  type StepAction,
  type StepContext,
  type StepInputs,
  type StepResult,
  textInput,
} from './step-action.ts';

export const applyImageConfigurations: StepAction = {
  definition: WORKFLOW_ACTIONS.ApplyImageConfigurations,
  run,
  resume: run,
};

async function run(inputs: StepInputs, context: StepContext): Promise<StepResult> {
  const { engine, plan } = context;
  const given = mapListInput(inputs, 'configurations');
  for (const item of given ?? []) checkRegion(context, textInput(item, 'region'));
  await enterStage(context, 'INTEGRATING');
  const configuredImages: StepInputs[] = [];
  for (const image of distributedInput(inputs)) {
    const started = engine.clock.now();
    const ofRegion =
      given === undefined
        ? plan.distributions.find(({ region }) => region === image.region)?.ssmParameterConfigurations
        : mapListInput(given.find((item) => item['region'] === image.region) ?? {}, 'ssmParameterConfigurations');
    await putAmiParameters(context, image, amiParameters(ofRegion ?? []), context);
    const name = (await engine.imageStore.get(image.amiId))?.name ?? '';
    configuredImages.push(distributedRecord({ ...image, name }, started, engine.clock.now()));
  }
  return { outputs: { configuredImages } };
}
