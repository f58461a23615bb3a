import type { Transaction } from 'kysely';
import { invalidParameter, notYet } from '../contract/errors.ts';
import type { InputOf, OutputOf, Partly } from '../contract/operations.ts';
import type { Database } from '../state/tables.ts';
import { checkBlockDevices } from './block-devices.ts';
import { bySeq, type ListedDefinition, summaryOf } from './definition-lists.ts';
import { described, insertDefinition, ownArn } from './definitions.ts';
import { deleteDefinition } from './deletion.ts';
import { checkDockerfileTemplate } from './dockerfile-template.ts';
import { type DocumentSource, type DocumentText, documentAtUri, inlineDocument } from './document-text.ts';
import { changeOnce } from './idempotency.ts';
import { latestVersionReferences } from './latest-version-references.ts';
import { byValue, checkFilters, type Filters, listPage } from './lists.ts';
import { checkOwner, ownedBy } from './owners.ts';
import { checkQuota } from './quotas.ts';
import { checkComponentList, checkRecipeComponents } from './recipe-components.ts';
import { checkRecipeVersion, concreteVersion } from './recipe-versions.ts';
import { invalidCombination } from './refusals.ts';
import { RequestProblems } from './request-problems.ts';
import type { CheckContext, Service } from './service.ts';
import { sharedDefinitions } from './shared-lists.ts';
import { findVisible } from './sharing.ts';
import { reportUnsupportedMembers } from './unsupported-members.ts';

const KIND = 'container-recipe';

/** Recipes never change. They are kept and checked whole; what builds them does not exist yet and is refused. */
export async function createContainerRecipe(
  service: Service,
  input: InputOf<'CreateContainerRecipe'>,
): Promise<OutputOf<'CreateContainerRecipe'>> {
  const problems = new RequestProblems();
  checkCreateContainerRecipe(service, input, problems);
  return changeOnce(service, 'CreateContainerRecipe', input, async (trx) => {
    const components = input.components ?? [];
    const { platform, text } = await checkReferences(service, trx, input, problems);
    const version = await concreteVersion(service, trx, KIND, input);
    const arn = await insertDefinition(service, trx, {
      arn: { ...ownArn(service, KIND, input.name, version), kind: KIND },
      name: input.name,
      document: {
        containerType: input.containerType,
        name: input.name,
        description: input.description,
        platform,
        owner: service.accountId,
        version,
        components: input.components,
        instanceConfiguration: input.instanceConfiguration,
        dockerfileTemplateData: text,
        encrypted: false,
        parentImage: input.parentImage,
        dateCreated: service.clock.now().toISOString(),
        workingDirectory: input.workingDirectory,
        targetRepository: input.targetRepository,
      },
      tags: input.tags,
      references: components.map((component) => component.componentArn),
    });
    return { containerRecipeArn: arn, latestVersionReferences: latestVersionReferences(arn) };
  });
}

interface Checked {
  readonly platform: 'Linux' | 'Windows';
  /** The Dockerfile template. */
  readonly text: string;
}

type Input = Partly<InputOf<'CreateContainerRecipe'>>;

/** Reports what is wrong with the request. */
export function checkCreateContainerRecipe(context: CheckContext, input: Input, problems: RequestProblems): void {
  const { components = [], parentImage } = input;
  reportUnsupportedMembers('CreateContainerRecipe', input, problems);
  checkBlockDevices(input.instanceConfiguration?.blockDeviceMappings, problems, 'instanceConfiguration.');
  checkRecipeVersion(input, problems);
  if (parentImage !== undefined) problems.attempt(() => checkParentImage(parentImage));
  problems.attempt(() => platformOf(input));
  const template = inlineDocument(templateOf(input), problems);
  checkTemplate(context, template, components.length > 0, problems);
  checkComponentList(components, problems);
}

function checkTemplate(
  context: CheckContext,
  template: DocumentText | undefined,
  hasComponents: boolean,
  problems: RequestProblems,
): void {
  if (template === undefined) return;
  const { member, text } = template;
  problems.attempt(() => checkQuota(context, 'dockerfileTemplateBytes', Buffer.byteLength(text)));
  checkDockerfileTemplate(member, text, hasComponents, problems);
}

/** Throws everything that is wrong with the request and with what it names. */
async function checkReferences(
  service: Service,
  trx: Transaction<Database>,
  input: InputOf<'CreateContainerRecipe'>,
  problems: RequestProblems,
): Promise<Checked> {
  const { components = [], imageOsVersionOverride: osVersion } = input;
  const template = await problems.collect(() => documentAtUri(service, templateOf(input)));
  checkTemplate(service, template, components.length > 0, problems);
  const platform = problems.attempt(() => platformOf(input));
  const parent = platform === undefined ? undefined : { platform, osVersion };
  await checkRecipeComponents(service, trx, { components, parent }, problems);
  problems.throwIfAny();
  // Without problems both are there.
  return { platform, text: input.dockerfileTemplateData ?? template?.text } as Checked;
}

function templateOf(input: Input): DocumentSource {
  return {
    inline: { member: 'dockerfileTemplateData', text: input.dockerfileTemplateData },
    uri: { member: 'dockerfileTemplateUri', text: input.dockerfileTemplateUri },
  };
}

/** The platform of an image in a registry is not known before it is pulled; AWS's images are Linux unless they say. */
function platformOf({ platformOverride }: Input): 'Linux' | 'Windows' {
  if (platformOverride === 'macOS') {
    throw invalidCombination('platformOverride', 'Containers are for Linux or Windows.');
  }
  return platformOverride ?? 'Linux';
}

/** `debian`, `library/debian:12`, `registry:5000/team/base@sha256:…` */
const REFERENCE =
  /^(?:[A-Za-z0-9.-]+(?::[0-9]+)?\/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/;

function checkParentImage(parentImage: string): void {
  if (parentImage.startsWith('arn:'))
    throw notYet(`container images of Image Builder as 'parentImage'`, ['parentImage']);
  if (parentImage.startsWith('ssm:'))
    throw notYet(`SSM parameters as 'parentImage' ('${parentImage}')`, ['parentImage']);
  if (/^ami-[0-9a-f]+$/.test(parentImage)) {
    throw invalidParameter('parentImage', 'A container is built from a container image, not from an AMI.');
  }
  if (!REFERENCE.test(parentImage)) {
    throw invalidParameter('parentImage', 'It must name a container image in a registry, e.g. debian:12.');
  }
}

/** An ARN with wildcards means the highest version that matches. */
export async function getContainerRecipe(
  service: Service,
  input: InputOf<'GetContainerRecipe'>,
): Promise<OutputOf<'GetContainerRecipe'>> {
  const found = await findVisible(service, service.db, KIND, input.containerRecipeArn, 'containerRecipeArn');
  return { containerRecipe: described(found), latestVersionReferences: latestVersionReferences(found.arn) };
}

const FILTERS: Filters<ListedDefinition> = {
  containerType: byValue((row) => row.document['containerType']),
  name: byValue((row) => row.name),
  parentImage: byValue((row) => row.document['parentImage']),
  platform: byValue((row) => row.document['platform']),
};

export function checkListContainerRecipes(
  input: Partly<InputOf<'ListContainerRecipes'>>,
  problems: RequestProblems,
): void {
  checkOwner('Container recipes', ['Self', 'Shared', 'Amazon'], input.owner, problems);
  checkFilters(input.filters, FILTERS, problems);
}

export async function listContainerRecipes(
  service: Service,
  input: InputOf<'ListContainerRecipes'>,
): Promise<OutputOf<'ListContainerRecipes'>> {
  const problems = new RequestProblems();
  checkListContainerRecipes(input, problems);
  problems.throwIfAny();
  const { items, ...next } = await listPage(service, input, {
    operation: 'ListContainerRecipes',
    filters: FILTERS,
    ...ownedBy(input.owner, {
      own: () => bySeq(service, KIND),
      shared: () => sharedDefinitions(service, KIND),
    }),
    item: (row: ListedDefinition) => ({
      arn: row.arn,
      ...summaryOf(row, ['containerType', 'name', 'platform', 'owner', 'parentImage', 'dateCreated']),
      ...instanceImageOf(row),
      tags: row.tags,
    }),
  });
  return { containerRecipeSummaryList: items, ...next };
}

function instanceImageOf({ document }: ListedDefinition): { instanceImage?: string } {
  const image = (document['instanceConfiguration'] as { image?: string } | undefined)?.image;
  return image === undefined ? {} : { instanceImage: image };
}

export async function deleteContainerRecipe(
  service: Service,
  input: InputOf<'DeleteContainerRecipe'>,
): Promise<OutputOf<'DeleteContainerRecipe'>> {
  await deleteDefinition(service, KIND, input.containerRecipeArn, 'containerRecipeArn');
  return { containerRecipeArn: input.containerRecipeArn };
}
