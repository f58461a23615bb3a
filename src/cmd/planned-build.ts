import type {
  ComponentConfiguration,
  GetComponentCommandOutput,
  GetImageCommandOutput,
  GetImageRecipeCommandOutput,
  GetInfrastructureConfigurationCommandOutput,
  ImageRecipe,
  InfrastructureConfiguration,
} from '@aws-sdk/client-imagebuilder';
import { parseArn, slugOf } from '../contract/arn.ts';
import type { OperationName } from '../contract/operations.ts';
import { parseComponent } from '../documents/parse-component.ts';
import type { PlannedWorkflow } from '../engine/build-plan.ts';
import { CACHE_TAG, type CacheHint, cacheHintOf } from '../engine/checkpoints/cache-hint.ts';
import { findMade } from '../image-store/catalog/find-made.ts';
import type { ImageRecords } from '../image-store/image-store.ts';
import type { WorkflowConfigurationRecord } from '../state/tables.ts';
import { settle } from '../template/encode-properties.ts';
import type { PlannedResource, TemplatePlan } from '../template/template-plan.ts';
import type { RunnableDocument } from '../toe/run-documents.types.ts';
import { BuildFailure } from '../util/faults.ts';
import type { BuildChoice } from './choose-build.ts';
import { plannedWorkflows } from './planned-workflows.ts';

/** What a template would have built, from the template and, for what is not in it, from the service. */
export interface PlannedBuild {
  readonly recipe: Partial<ImageRecipe>;
  readonly infrastructure: Partial<InfrastructureConfiguration>;
  /** In the order of the recipe; ids are ARNs, or names and versions of what is not there yet. */
  readonly components: readonly RunnableDocument[];
  readonly hints: ReadonlyMap<string, CacheHint>;
  /** Tags of the image. */
  readonly tags: Readonly<Record<string, string>>;
  /** Those that it runs, in their order. */
  readonly workflows: readonly PlannedWorkflow[];
  readonly pipelineArn: string;
  /** What wildcards of the template mean now. */
  readonly resolved: ReadonlyMap<string, string>;
}

/** Asks the service; it is started for that, so it is asked only for what no template has. */
export type Ask = (operation: OperationName, input: Readonly<Record<string, string>>) => Promise<unknown>;

interface Members {
  readonly [name: string]: unknown;
}

/** @throws BuildFailure when what the template names is not there. */
export async function plannedBuild(
  plan: TemplatePlan,
  choice: BuildChoice,
  place: { readonly accountId: string; readonly region: string },
  ask: Ask,
): Promise<PlannedBuild> {
  const byId = new Map(plan.resources.map((resource) => [resource.logicalId, resource]));
  // An attribute of a resource of the template stands for that resource.
  const inputOf = ({ input }: PlannedResource): Members =>
    settle(input, ({ logicalId }) => `${MARK}${logicalId}`) as Members;
  const resourceOf = (value: unknown): PlannedResource | undefined =>
    typeof value === 'string' && value.startsWith(MARK) ? byId.get(value.slice(MARK.length)) : undefined;

  const chosen = byId.get(choice.logicalId);
  const image = chosen === undefined ? {} : inputOf(chosen);
  const recipe = await recipeOf(image['imageRecipeArn']);
  const infrastructure = await infrastructureOf(image['infrastructureConfigurationArn']);
  const resolved = new Map<string, string>();
  const hints = new Map<string, CacheHint>();
  const components = await Promise.all((recipe.components ?? []).map((component) => componentOf(component)));
  const tests = (image['imageTestsConfiguration'] ?? {}) as { readonly imageTestsEnabled?: boolean };
  const isTested = tests.imageTestsEnabled ?? true;
  const own = { partition: 'aws', owner: place.accountId, region: place.region };
  return {
    ...{ recipe, infrastructure, components, hints, resolved },
    tags: (image['tags'] ?? {}) as Record<string, string>,
    workflows: await plannedWorkflows(image['workflows'] as readonly WorkflowConfigurationRecord[] | undefined, {
      ...{ region: place.region, isTested, ask },
      ofTemplate: (reference) => {
        const resource = resourceOf(reference);
        return resource === undefined
          ? undefined
          : { ...documentOf(resource), type: String(inputOf(resource)['type']) };
      },
    }),
    pipelineArn:
      choice.kind === 'pipeline'
        ? `arn:${own.partition}:imagebuilder:${own.region}:${own.owner}:image-pipeline/${slugOf(String(image['name']))}`
        : '',
  };

  async function recipeOf(value: unknown): Promise<Partial<ImageRecipe>> {
    const resource = resourceOf(value);
    if (resource !== undefined) {
      const { semanticVersion, ...rest } = inputOf(resource);
      return { ...rest, version: String(semanticVersion) };
    }
    if (typeof value !== 'string') throw new BuildFailure('Only builds of image recipes can be planned');
    const answer = (await ask('GetImageRecipe', { imageRecipeArn: value })) as Partial<GetImageRecipeCommandOutput>;
    return answer.imageRecipe ?? {};
  }

  async function infrastructureOf(value: unknown): Promise<Partial<InfrastructureConfiguration>> {
    const resource = resourceOf(value);
    if (resource !== undefined) return inputOf(resource);
    const input = { infrastructureConfigurationArn: String(value) };
    const answer = await ask('GetInfrastructureConfiguration', input);
    return (answer as Partial<GetInfrastructureConfigurationCommandOutput>).infrastructureConfiguration ?? {};
  }

  async function componentOf({ componentArn, parameters }: ComponentConfiguration): Promise<RunnableDocument> {
    const resource = resourceOf(componentArn);
    const found = resource === undefined ? await storedComponent(componentArn ?? '') : documentOf(resource);
    const hint = cacheHintOf(found.tags, found.id);
    if (hint !== undefined) hints.set(found.id, hint);
    const values = (parameters ?? []).map(({ name = '', value = [] }) => [name, value.join(',')]);
    return { id: found.id, document: parseComponent(found.data, found.id), parameters: Object.fromEntries(values) };
  }

  /** Of a component or a workflow of the template. */
  function documentOf(resource: PlannedResource) {
    const input = inputOf(resource);
    const data = resource.document ?? input['data'];
    if (typeof data !== 'string') {
      throw new BuildFailure(`The document of ${resource.logicalId} is known only to the service: ${input['uri']}`);
    }
    const id = `${input['name']} ${input['semanticVersion']}`;
    return { id, data, tags: (input['tags'] ?? {}) as Record<string, string> };
  }

  async function storedComponent(arn: string) {
    const answer = await ask('GetComponent', { componentBuildVersionArn: arn });
    const { component } = answer as Partial<GetComponentCommandOutput>;
    if (component?.arn === undefined || component.data === undefined) {
      throw new BuildFailure(`Component '${arn}' does not exist`);
    }
    if (component.arn !== arn) resolved.set(arn, component.arn);
    return { id: component.arn, data: component.data, tags: component.tags ?? {} };
  }
}

const MARK = '\u0000';

/** The AMI that a recipe's parent image means now; undefined when it has to be made first. */
export async function parentAmi(
  parentImage: string,
  images: Pick<ImageRecords, 'list'>,
  ask: Ask,
): Promise<string | undefined> {
  if (parentImage.startsWith('ami-')) return parentImage;
  const arn = parseArn(parentImage);
  if (arn?.owner === 'aws') return (await findMade(images, arn.slug))?.amiId;
  const { image } = (await ask('GetImage', { imageBuildVersionArn: parentImage })) as Partial<GetImageCommandOutput>;
  return image?.outputResources?.amis?.[0]?.image;
}

/** What the tags of an image and of its infrastructure say of reuse; the command line's own come first. */
export function buildHint(...tags: readonly (Readonly<Record<string, string>> | undefined)[]): CacheHint | undefined {
  const found = tags.find((one) => one?.[CACHE_TAG] !== undefined);
  return cacheHintOf(found ?? {}, 'the build');
}
