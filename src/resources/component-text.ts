import type { Platform } from '@aws-sdk/client-imagebuilder';
import { invalidParameter } from '../contract/errors.ts';
import type { ComponentDocument } from '../documents/component.ts';
import { parseComponent } from '../documents/parse-component.ts';
import { formatProblem, InvalidDocumentError } from '../util/problem.ts';
import type { DocumentText } from './document-text.ts';
import { checkQuota } from './quotas.ts';
import { RequestProblems } from './request-problems.ts';
import type { CheckContext } from './service.ts';

const SYSTEMS = { Linux: 'linux', macOS: 'macos', Windows: 'windows' } as const;

/** What decides which component a document is checked as. */
interface Component {
  readonly name?: string | undefined;
  readonly platform?: Platform | undefined;
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

/** Checks the document; everything that is wrong with it comes in one error. */
export function componentText(
  context: Pick<CheckContext, 'quotas'>,
  { member, text }: DocumentText,
  component: Component,
): ComponentText {
  const document = parseComponentText({ member, text }, component);
  const problems = new RequestProblems();
  problems.attempt(() => checkQuota(context, 'parametersPerComponent', document.parameters.length));
  const longest = Math.max(0, ...document.parameters.map((parameter) => parameter.default?.length ?? 0));
  problems.attempt(() => checkQuota(context, 'componentParameterLength', longest));
  problems.throwIfAny();
  return { data: text, type: typeOf(document), parameters: parametersOf(document) };
}

/** Throws InvalidParameterValueException of the document's member with every problem of the document. */
export function parseComponentText(
  { member, text }: DocumentText,
  { name = 'component', platform }: Component,
): ComponentDocument {
  try {
    return parseComponent(text, name, platform === undefined ? {} : { os: SYSTEMS[platform] });
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
