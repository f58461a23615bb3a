import type { InputOf, OutputOf, Partly } from '../contract/operations.ts';
import { insertBuild } from './build-versions.ts';
import { type ComponentText, componentText } from './component-text.ts';
import { described, ownArn } from './definitions.ts';
import { deleteDefinition } from './deletion.ts';
import { type DocumentText, dataOrUri, parsedDocument, parseInline } from './document-text.ts';
import { changeOnce } from './idempotency.ts';
import { latestVersionReferences } from './latest-version-references.ts';
import { RequestProblems } from './request-problems.ts';
import type { CheckContext, Service } from './service.ts';
import { findVisible } from './sharing.ts';
import { reportUnsupportedMembers } from './unsupported-members.ts';
import { checkVersionNodes } from './versions.ts';

/** Reports what is wrong with the request. @returns what the document in it says, when it has one that is valid */
export function checkCreateComponent(
  context: CheckContext,
  input: Partly<InputOf<'CreateComponent'>>,
  problems: RequestProblems,
): ComponentText | undefined {
  reportUnsupportedMembers('CreateComponent', input, problems);
  checkVersionNodes(input, problems);
  return parseInline(dataOrUri(input), (document) => componentText(context, document, input), problems);
}

/** Checks the document and stores it as the next build of its version. */
export async function createComponent(
  service: Service,
  input: InputOf<'CreateComponent'>,
): Promise<OutputOf<'CreateComponent'>> {
  const problems = new RequestProblems();
  const inline = checkCreateComponent(service, input, problems);
  return changeOnce(service, 'CreateComponent', input, async (trx) => {
    const { name, semanticVersion: version, platform } = input;
    const parse = (document: DocumentText) => componentText(service, document, input);
    const { type, parameters, data } = await parsedDocument(service, dataOrUri(input), inline, parse, problems);
    const content = {
      name,
      version,
      description: input.description,
      changeDescription: input.changeDescription,
      type,
      platform,
      supportedOsVersions: input.supportedOsVersions,
      parameters,
      owner: service.accountId,
      data,
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
