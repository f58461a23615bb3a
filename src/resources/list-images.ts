import { parseArn } from '../contract/arn.ts';
import { invalidParameter } from '../contract/errors.ts';
import type { InputOf, OutputOf } from '../contract/operations.ts';
import { parseVersion } from '../contract/version.ts';
import { findDefinition } from './definitions.ts';
import { builds, type ImageSource, type ListedImage, managed, sharedWithMe, versions } from './image-lists.ts';
import { byValue, byVersion, type Filters, listPage } from './lists.ts';
import { checkByName, NOTHING, ownedBy } from './owners.ts';
import { findManagedImage } from './parent-images.ts';
import type { Service } from './service.ts';

const BY_NAME_AND_VERSION: Filters<ListedImage> = {
  name: byValue((image) => image.name),
  version: byVersion((image) => image),
};

const FILTERS: Filters<ListedImage> = {
  ...BY_NAME_AND_VERSION,
  osVersion: byValue((image) => image.osVersion),
  platform: byValue((image) => image.platform),
  type: byValue((image) => image.summary.type),
};

/**
 * One entry per version, described by its newest build; one per name with `byName`. `includeDeprecated` concerns images
 * of Amazon, of which Kiln deprecates none.
 */
export async function listImages(service: Service, input: InputOf<'ListImages'>): Promise<OutputOf<'ListImages'>> {
  checkByName(input);
  const byName = input.byName === true;
  const source = ownedBy<ImageSource>(input.owner, {
    own: () => versions(service, byName),
    shared: () => sharedWithMe(service, byName),
    amazon: () => managed(service),
  });
  const { items, ...next } = await listPage(service, input, {
    operation: 'ListImages',
    filters: FILTERS,
    cursor: (image: ListedImage) => image.key,
    read: source.read,
    item: (image: ListedImage) => {
      const { arn, state: _state, outputResources: _output, tags: _tags, ...members } = image.summary;
      return { ...members, arn: arn.slice(0, arn.lastIndexOf('/')), version: image.version };
    },
  });
  return { imageVersionList: items, ...next };
}

/** All builds of a version, or all builds of this account. */
export async function listImageBuildVersions(
  service: Service,
  input: InputOf<'ListImageBuildVersions'>,
): Promise<OutputOf<'ListImageBuildVersions'>> {
  const { items, ...next } = await listPage(service, input, {
    operation: 'ListImageBuildVersions',
    filters: FILTERS,
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
    filters: BY_NAME_AND_VERSION,
    cursor: (image: ListedImage) => image.key,
    read: builds(service, { source_pipeline_arn: input.imagePipelineArn }).read,
    item: (image: ListedImage) => image.summary,
  });
  return { imageSummaryList: items, ...next };
}

function buildVersions(service: Service, imageVersionArn: string | undefined): ImageSource {
  if (imageVersionArn === undefined) return builds(service, {});
  const arn = parseArn(imageVersionArn);
  const nodes = parseVersion(arn?.version ?? '');
  if (arn?.owner === 'aws' && arn.version !== undefined) {
    const image = findManagedImage(service, arn);
    return image === undefined ? NOTHING : managed(service, [image]);
  }
  if (arn === undefined || nodes === undefined) {
    throw invalidParameter('imageVersionArn', 'It must be the ARN of an image version, without its build.');
  }
  if (arn.owner !== service.accountId || arn.region !== service.region) return NOTHING;
  return builds(service, { slug: arn.slug, major: nodes[0], minor: nodes[1], patch: nodes[2] });
}
