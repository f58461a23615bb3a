import type { Transaction } from 'kysely';
import { formatArn } from '../contract/arn.ts';
import type { InputOf, OutputOf } from '../contract/operations.ts';
import { resolveResource } from '../state/find-resource.ts';
import { nextBuild } from '../state/next-build.ts';
import type { Database } from '../state/tables.ts';
import { type ComponentText, readComponentText } from './component-text.ts';
import { described, findDefinition, insertDefinition, ownArn } from './definitions.ts';
import { deleteDefinition } from './deletion.ts';
import { canonicalJson, changeOnce } from './idempotency.ts';
import { latestVersionReferences } from './latest-version-references.ts';
import { alreadyExists } from './refusals.ts';
import type { Service } from './service.ts';
import { refuseUnsupportedMembers } from './unsupported-members.ts';
import { versionNodes } from './versions.ts';

/** Checks the document and stores it as the next build of its version. */
export async function createComponent(
  service: Service,
  input: InputOf<'CreateComponent'>,
): Promise<OutputOf<'CreateComponent'>> {
  refuseUnsupportedMembers('CreateComponent', input);
  return changeOnce(service, 'CreateComponent', input, async (trx) => {
    const { name, semanticVersion: version, platform } = input;
    const text = await readComponentText(service, input);
    const arn = await insertBuild(service, trx, input, {
      name,
      version,
      description: input.description,
      changeDescription: input.changeDescription,
      type: text.type,
      platform,
      supportedOsVersions: input.supportedOsVersions,
      parameters: text.parameters,
      owner: service.accountId,
      data: text.data,
      // AWS says true; here it would not be (docs/decisions/030-records-and-refusals.md).
      encrypted: false,
    });
    return { componentBuildVersionArn: arn, latestVersionReferences: latestVersionReferences(arn) };
  });
}

interface ComponentContent extends ComponentText {
  readonly name: string;
  readonly version: string;
  readonly [member: string]: unknown;
}

/**
 * Inserts the next build of the component's version. Content that equals that of the newest build is refused, as AWS
 * does; taking the build number first makes concurrent requests compare with each other's builds.
 */
async function insertBuild(
  service: Service,
  trx: Transaction<Database>,
  input: InputOf<'CreateComponent'>,
  content: ComponentContent,
): Promise<string> {
  const versionArn = ownArn(service, 'component', content.name, content.version);
  const build = await nextBuild(trx, {
    kind: 'component',
    accountId: service.accountId,
    region: service.region,
    slug: versionArn.slug,
    nodes: versionNodes('semanticVersion', content.version),
  });
  const newest = await resolveResource(trx, formatArn(versionArn));
  if (newest !== undefined) {
    const { dateCreated: _date, ...known } = newest.document;
    if (canonicalJson(known) === canonicalJson(content)) throw alreadyExists('component', newest.arn);
  }
  const arn = { ...versionArn, kind: 'component' as const, build };
  const document = { ...content, dateCreated: service.clock.now().toISOString() };
  return await insertDefinition(service, trx, { arn, name: content.name, document, tags: input.tags });
}

/** A version or wildcard ARN means the newest matching build. */
export async function getComponent(
  service: Service,
  input: InputOf<'GetComponent'>,
): Promise<OutputOf<'GetComponent'>> {
  const { componentBuildVersionArn } = input;
  const found = await findDefinition(service.db, 'component', componentBuildVersionArn, 'componentBuildVersionArn');
  return { component: described(found), latestVersionReferences: latestVersionReferences(found.arn) };
}

/** Deletes one build; other builds of the version stay. */
export async function deleteComponent(
  service: Service,
  input: InputOf<'DeleteComponent'>,
): Promise<OutputOf<'DeleteComponent'>> {
  const { componentBuildVersionArn } = input;
  await deleteDefinition(service, 'component', componentBuildVersionArn, 'componentBuildVersionArn');
  return { componentBuildVersionArn };
}
