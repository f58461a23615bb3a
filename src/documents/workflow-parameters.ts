import type { WorkflowParameter, WorkflowValue } from './workflow.ts';

/** Source: Service Quotas, "Image workflow parameter". */
export const MAX_PARAMETER_VALUE = 1024;

export type GivenParameters = readonly { readonly name: string; readonly value: readonly string[] }[];

export interface ParameterProblem {
  /** Of the parameter in the list that was given; undefined when it is missing there. */
  readonly index: number | undefined;
  readonly message: string;
}

/**
 * The values of a workflow's parameters: those that were given, as lists of texts, and the defaults of the others. Every
 * problem comes back at once.
 */
export function parameterValues(
  declared: readonly WorkflowParameter[],
  given: GivenParameters,
): { readonly values: Readonly<Record<string, WorkflowValue>>; readonly problems: readonly ParameterProblem[] } {
  const values: Record<string, WorkflowValue> = {};
  const problems: ParameterProblem[] = [];
  for (const [index, { name, value }] of given.entries()) {
    const parameter = declared.find((candidate) => candidate.name === name);
    if (parameter === undefined) {
      const known = declared.map((candidate) => candidate.name).join(', ');
      problems.push({ index, message: `The workflow has no parameter '${name}'; it has: ${known || 'none'}.` });
    } else if (given.findIndex((other) => other.name === name) !== index) {
      problems.push({ index, message: `The parameter '${name}' is given twice.` });
    } else {
      const read = readValue(parameter, value);
      if (read.value === undefined) problems.push({ index, message: `The parameter '${name}' ${read.problem}.` });
      else values[name] = read.value;
    }
  }
  for (const { name, default: value } of declared) {
    if (given.some((parameter) => parameter.name === name)) continue;
    if (value !== undefined) values[name] = value;
    else problems.push({ index: undefined, message: `The parameter '${name}' has no default and needs a value.` });
  }
  return { values, problems };
}

type Read = { readonly value: WorkflowValue } | { readonly value?: undefined; readonly problem: string };

function readValue({ type }: WorkflowParameter, texts: readonly string[]): Read {
  if (texts.some((text) => text.length > MAX_PARAMETER_VALUE)) {
    return { problem: `has a value of more than ${MAX_PARAMETER_VALUE} characters` };
  }
  if (type === 'stringList') return { value: [...texts] };
  const [text] = texts;
  if (text === undefined || texts.length > 1) return { problem: `needs exactly one value, not ${texts.length}` };
  switch (type) {
    case 'string':
      return { value: text };
    case 'boolean':
      if (text !== 'true' && text !== 'false') return { problem: `is a boolean: true or false, not '${text}'` };
      return { value: text === 'true' };
    case 'integer': {
      const value = /^-?[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
      return value === undefined ? { problem: `is an integer, not '${text}'` } : { value };
    }
    default:
      return type satisfies never;
  }
}
