import { type ImageBuilderArn, parseArn } from '../contract/arn.ts';
import { invalidParameter } from '../contract/errors.ts';
import type { InputOf, OutputOf, Partly } from '../contract/operations.ts';
import { parseVersion, type VersionNodes } from '../contract/version.ts';
import { findDefinition } from './definitions.ts';
import { builds, type ImageSource, type ListedImage, managed, sharedWithMe, versions } from './image-lists.ts';
import { byValue, byVersion, checkFilters, type Filters, listPage } from './lists.ts';
import { checkByName, NOTHING, ownedBy } from './owners.ts';
import { findManagedImage } from './parent-images.ts';
import { RequestProblems } from './request-problems.ts';
import type { Service } from './service.ts';

export const PIPELINE_IMAGE_FILTERS: Filters<ListedImage> = {
  name: byValue((image) => image.name),
  version: byVersion((image) => image),
};

const IMAGE_FILTERS: Filters<ListedImage> = {
  ...PIPELINE_IMAGE_FILTERS,
  osVersion: byValue((image) => image.osVersion),
  platform: byValue((image) => image.platform),
  type: byValue((image) => image.summary.type),
};

export function checkListImages(input: Partly<InputOf<'ListImages'>>, problems: RequestProblems): void {
  checkByName(input, problems);
  checkFilters(input.filters, IMAGE_FILTERS, problems);
}

/**
 * One entry per version, described by its newest build; one per name with `byName`. `includeDeprecated` concerns images
 * of Amazon, of which Kiln deprecates none.
 */
export async function listImages(service: Service, input: InputOf<'ListImages'>): Promise<OutputOf<'ListImages'>> {
  const problems = new RequestProblems();
  checkListImages(input, problems);
  problems.throwIfAny();
  const byName = input.byName === true;
  const source = ownedBy<ImageSource>(input.owner, {
    own: () => versions(service, byName),
    shared: () => sharedWithMe(service, byName),
    amazon: () => managed(service),
  });
  const { items, ...next } = await listPage(service, input, {
    operation: 'ListImages',
    filters: IMAGE_FILTERS,
    cursor: (image: ListedImage) => image.key,
    read: source.read,
    item: (image: ListedImage) => {
      const { arn, state: _state, outputResources: _output, tags: _tags, ...members } = image.summary;
      return { ...members, arn: arn.slice(0, arn.lastIndexOf('/')), version: image.version };
    },
  });
  return { imageVersionList: items, ...next };
}

export function checkListImageBuildVersions(
  { filters, imageVersionArn }: Partly<InputOf<'ListImageBuildVersions'>>,
  problems: RequestProblems,
): void {
  if (imageVersionArn !== undefined) problems.attempt(() => readImageVersionArn(imageVersionArn));
  checkFilters(filters, IMAGE_FILTERS, problems);
}

/** All builds of a version, or all builds of this account. */
export async function listImageBuildVersions(
  service: Service,
  input: InputOf<'ListImageBuildVersions'>,
): Promise<OutputOf<'ListImageBuildVersions'>> {
  const problems = new RequestProblems();
  checkListImageBuildVersions(input, problems);
  problems.throwIfAny();
  const { items, ...next } = await listPage(service, input, {
    operation: 'ListImageBuildVersions',
    filters: IMAGE_FILTERS,
    cursor: (image: ListedImage) => image.key,
    read: buildVersions(service, input.imageVersionArn).read,
    item: (image: ListedImage) => image.summary,
  });
  return { imageSummaryList: items, ...next };
}

/** What the pipeline built, in order of creation. */
export async function listImagePipelineImages(
  service: Service,
  input: InputOf<'ListImagePipelineImages'>,
): Promise<OutputOf<'ListImagePipelineImages'>> {
  await findDefinition(service.db, 'image-pipeline', input.imagePipelineArn, 'imagePipelineArn');
  const { items, ...next } = await listPage(service, input, {
    operation: 'ListImagePipelineImages',
    filters: PIPELINE_IMAGE_FILTERS,
    cursor: (image: ListedImage) => image.key,
    read: builds(service, { source_pipeline_arn: input.imagePipelineArn }).read,
    item: (image: ListedImage) => image.summary,
  });
  return { imageSummaryList: items, ...next };
}

function buildVersions(service: Service, imageVersionArn: string | undefined): ImageSource {
  if (imageVersionArn === undefined) return builds(service, {});
  const { arn, nodes } = readImageVersionArn(imageVersionArn);
  if (nodes === undefined) {
    const image = findManagedImage(service, arn);
    return image === undefined ? NOTHING : managed(service, [image]);
  }
  if (arn.owner !== service.accountId || arn.region !== service.region) return NOTHING;
  return builds(service, { slug: arn.slug, major: nodes[0], minor: nodes[1], patch: nodes[2] });
}

/** The ARN and, unless it is one of Amazon's, its version. Throws what cannot be the ARN of a version. */
function readImageVersionArn(text: string): {
  readonly arn: ImageBuilderArn;
  readonly nodes: VersionNodes | undefined;
} {
  const arn = parseArn(text);
  if (arn?.owner === 'aws' && arn.version !== undefined) return { arn, nodes: undefined };
  const nodes = parseVersion(arn?.version ?? '');
  if (arn === undefined || nodes === undefined) {
    throw invalidParameter('imageVersionArn', 'It must be the ARN of an image version, without its build.');
  }
  return { arn, nodes };
}
