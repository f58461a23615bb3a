import type { InputOf, OutputOf } from '../contract/operations.ts';
import { insertBuild } from './build-versions.ts';
import { checkComponent, readComponentText } from './component-text.ts';
import { described, ownArn } from './definitions.ts';
import { deleteDefinition } from './deletion.ts';
import { changeOnce } from './idempotency.ts';
import { latestVersionReferences } from './latest-version-references.ts';
import type { Service } from './service.ts';
import { findVisible } from './sharing.ts';

/** Checks the document and stores it as the next build of its version. */
export async function createComponent(
  service: Service,
  input: InputOf<'CreateComponent'>,
): Promise<OutputOf<'CreateComponent'>> {
  return changeOnce(service, 'CreateComponent', input, async (trx) => {
    const { name, semanticVersion: version, platform } = input;
    const text = await checkComponent('CreateComponent', input, () => readComponentText(service, input));
    const content = {
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
    };
    const of = ownArn(service, 'component', name, version);
    const arn = await insertBuild(service, trx, { kind: 'component', of, content, tags: input.tags });
    return { componentBuildVersionArn: arn, latestVersionReferences: latestVersionReferences(arn) };
  });
}

/** A version or wildcard ARN means the newest matching build. */
export async function getComponent(
  service: Service,
  input: InputOf<'GetComponent'>,
): Promise<OutputOf<'GetComponent'>> {
  const { componentBuildVersionArn } = input;
  const found = await findVisible(
    service,
    service.db,
    'component',
    componentBuildVersionArn,
    'componentBuildVersionArn',
  );
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
