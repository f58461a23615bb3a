import type { Platform } from '@aws-sdk/client-imagebuilder';
import { invalidParameter } from '../contract/errors.ts';
import type { ComponentDocument } from '../documents/component.ts';
import { parseComponent } from '../documents/parse-component.ts';
import { formatProblem, InvalidDocumentError } from '../util/problem.ts';
import { dataOrUri, readDocument } from './document-text.ts';
import { checkQuota } from './quotas.ts';
import { RequestProblems } from './request-problems.ts';
import type { Service } from './service.ts';
import { reportUnsupportedMembers } from './unsupported-members.ts';
import { versionNodes } from './versions.ts';

const SYSTEMS = { Linux: 'linux', macOS: 'macos', Windows: 'windows' } as const;

interface TextSource {
  readonly name: string;
  readonly platform: Platform;
  readonly data?: string | undefined;
  readonly uri?: string | undefined;
}

/** What `read` makes of the document. Throws everything that is wrong with it and with the rest of the request. */
export async function checkComponent<Text extends string | ComponentText>(
  operation: 'CreateComponent' | 'ImportComponent',
  input: TextSource & { readonly semanticVersion: string },
  read: () => Promise<Text>,
): Promise<Text> {
  const problems = new RequestProblems();
  reportUnsupportedMembers(operation, input, problems);
  await problems.collect(() => versionNodes('semanticVersion', input.semanticVersion));
  const text = await problems.collect(read);
  problems.throwIfAny();
  // Without problems it was read.
  return text as Text;
}

/** What a component's document says about the component. */
export interface ComponentText {
  readonly data: string;
  readonly type: 'BUILD' | 'TEST';
  readonly parameters: ParameterDetail[] | undefined;
}

interface ParameterDetail {
  readonly name: string;
  readonly type: string;
  readonly defaultValue?: string[];
  readonly description?: string;
}

/** Reads and checks the document; everything that is wrong with it comes in one error. */
export async function readComponentText(service: Service, source: TextSource): Promise<ComponentText> {
  const { member, text } = await readDocument(service, dataOrUri(source));
  const document = parseComponentText(member, text, source);
  const problems = new RequestProblems();
  await problems.collect(() => checkQuota(service, 'parametersPerComponent', document.parameters.length));
  const longest = Math.max(0, ...document.parameters.map((parameter) => parameter.default?.length ?? 0));
  await problems.collect(() => checkQuota(service, 'componentParameterLength', longest));
  problems.throwIfAny();
  return { data: text, type: typeOf(document), parameters: parametersOf(document) };
}

/** Throws InvalidParameterValueException of `member` with every problem of the document. */
export function parseComponentText(
  member: string,
  text: string,
  { name, platform }: Pick<TextSource, 'name' | 'platform'>,
): ComponentDocument {
  try {
    return parseComponent(text, name, { os: SYSTEMS[platform] });
  } catch (error) {
    if (!(error instanceof InvalidDocumentError)) throw error;
    throw invalidParameter(member, error.problems.map(formatProblem).join('\n'));
  }
}

/** Derived as AWS derives it: a document whose only phase is `test` is a test component. */
function typeOf(document: ComponentDocument): 'BUILD' | 'TEST' {
  return document.phases.every((phase) => phase.name === 'test') ? 'TEST' : 'BUILD';
}

function parametersOf(document: ComponentDocument): ParameterDetail[] | undefined {
  if (document.parameters.length === 0) return undefined;
  return document.parameters.map((parameter) => ({
    name: parameter.name,
    type: parameter.type,
    ...(parameter.default === undefined ? {} : { defaultValue: [parameter.default] }),
    ...(parameter.description === undefined ? {} : { description: parameter.description }),
  }));
}
