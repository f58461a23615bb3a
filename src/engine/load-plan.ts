import type {
  ComponentConfiguration,
  Distribution,
  DistributionConfiguration,
  ImageRecipe,
  InfrastructureConfiguration,
} from '@aws-sdk/client-imagebuilder';
import { parseComponent } from '../documents/parse-component.ts';
import type { MachineImage } from '../image-store/image-store.ts';
import { findResource, type ImageRow, resolveResource } from '../state/find-resource.ts';
import { logPlaceOf } from '../state/log-place.ts';
import { BuildFailure } from '../util/faults.ts';
import type { Monitor } from '../util/monitor.ts';
import type { BuildPlan, PlannedComponent } from './build-plan.ts';
import type { Engine } from './engine.ts';
import { executorOf } from './executor-tag.ts';
import { loadWorkflows } from './load-workflows.ts';
import { outputAmiOf } from './output-ami.ts';
import { resolveParentImage } from './parent-image.ts';
import { DEFAULT_WORKING_DIRECTORY, volumesOf } from './recipe-parts.ts';
import { repeatableSteps } from './steps/component-journal.ts';

/**
 * Looks up and parses all that a build needs. Nothing of the build exists yet; making the parent image on its first use
 * may take minutes. Throws a BuildFailure that names what is missing or wrong.
 */
export async function loadPlan(
  engine: Engine,
  image: ImageRow,
  context: { readonly signal: AbortSignal; readonly monitor: Monitor },
): Promise<BuildPlan> {
  if (image.platform !== 'Linux') throw new BuildFailure(`Kiln does not build ${image.platform} images yet`);
  // Snapshots that CreateImage wrote: AWS-shaped, checked by the contract when they came in.
  const recipe = image.image_recipe as unknown as ImageRecipe;
  const infrastructure = image.infrastructure_configuration as unknown as InfrastructureConfiguration;
  const { resolved } = image;
  const components = await loadComponents(engine, recipe.components ?? [], resolved?.componentArns);
  const distributions = distributionsOf(engine, image);
  const naming = {
    imageArn: image.arn,
    buildNumber: image.build,
    now: engine.clock.now(),
    takenNames: takenNames(await engine.imageStore.list(), image.arn),
  };
  // What a wildcard means may have changed since the build began.
  const parent = await resolveParentImage(engine, resolved?.parentAmiId ?? recipe.parentImage ?? '', context);
  context.monitor.line('kiln', `Parent image ${recipe.parentImage} is ${parent.amiId} '${parent.name}'`);
  const workflows = await loadWorkflows(engine, image);
  const userData = recipe.additionalInstanceConfiguration?.userDataOverride;
  return {
    imageArn: image.arn,
    imageName: image.name,
    version: image.version,
    buildNumber: image.build,
    pipelineArn: image.source_pipeline_arn ?? undefined,
    platform: image.platform,
    parent,
    components,
    workingDirectory: recipe.workingDirectory ?? DEFAULT_WORKING_DIRECTORY,
    userData: userData === undefined ? undefined : Buffer.from(userData, 'base64'),
    ...volumesOf(recipe.blockDeviceMappings ?? []),
    instanceTypes: infrastructure.instanceTypes ?? [],
    executor: executorOf(
      image.tags,
      infrastructure.tags ?? {},
      workflows.map(({ arn }) => arn),
    ),
    instanceProfileName: infrastructure.instanceProfileName ?? '',
    terminateInstanceOnFailure: infrastructure.terminateInstanceOnFailure ?? true,
    collectMetadata: image.enhanced_image_metadata_enabled,
    output: outputAmiOf(recipe, distributions[0], naming),
    distributions,
    describe: (distribution) => outputAmiOf(recipe, distribution, naming),
    log: logPlaceOf(image),
    workflows,
  };
}

async function loadComponents(
  engine: Engine,
  configurations: readonly ComponentConfiguration[],
  resolvedArns: readonly string[] = [],
): Promise<readonly PlannedComponent[]> {
  const documents: PlannedComponent[] = [];
  for (const [index, { componentArn: wanted = '', parameters = [] }] of configurations.entries()) {
    const componentArn = resolvedArns[index] ?? wanted;
    const row = (await resolveResource(engine.db, componentArn)) ?? (await findResource(engine.db, componentArn));
    const data = row?.document['data'];
    if (row === undefined || typeof data !== 'string') {
      throw new BuildFailure(`Component '${componentArn}' does not exist`);
    }
    documents.push({
      id: row.arn,
      document: parseComponent(data, row.arn),
      repeatable: repeatableSteps(row.tags),
      parameters: Object.fromEntries(parameters.map(({ name = '', value = [] }) => [name, value.join(',')])),
    });
  }
  return documents;
}

function distributionsOf(engine: Engine, image: ImageRow): readonly Distribution[] {
  const configuration = image.distribution_configuration as unknown as DistributionConfiguration | null;
  const distributions = configuration?.distributions ?? [];
  const foreign = distributions.find(({ region }) => region !== engine.region);
  if (foreign !== undefined) {
    throw new BuildFailure(`Kiln does not distribute to other Regions yet: ${foreign.region}`, {
      hint: `This installation's Region is ${engine.region}.`,
    });
  }
  return distributions;
}

/** Names of other images: an image that goes on with its build may keep the name that it has. */
function takenNames(images: readonly MachineImage[], imageArn: string): ReadonlySet<string> {
  return new Set(images.filter(({ source }) => source !== imageArn).map(({ name }) => name));
}
