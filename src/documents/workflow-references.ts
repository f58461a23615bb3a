import { BuildFailure } from '../util/faults.ts';
import type { WorkflowValue } from './workflow.ts';

/**
 * References in workflow documents: `$.parameters.NAME`, `$.stepOutputs.STEP.OUTPUT`, `$.workflowOutputs.NAME`,
 * `$.imagebuilder.NAME`, each with an optional path into the value (`.key`, `[0]`).
 * Source: EC2 Image Builder User Guide, "Use dynamic variables in your workflow document".
 */
export interface Reference {
  readonly node: ReferenceNode;
  /** Only of step outputs. */
  readonly step: string | undefined;
  readonly name: string;
  readonly path: readonly (string | number)[];
  /** As written. */
  readonly text: string;
}

export const REFERENCE_NODES = ['parameters', 'stepOutputs', 'workflowOutputs', 'imagebuilder'] as const;
export type ReferenceNode = (typeof REFERENCE_NODES)[number];

/** The system variables. AWS writes some of them in several ways, so their names are compared without case. */
export const SYSTEM_VARIABLES = [
  'cloudWatchLogGroup',
  'cloudWatchLogStream',
  'collectImageMetadata',
  'collectImageScanFindings',
  'imageBuildNumber',
  'imageId',
  'imageName',
  'imageType',
  'imageVersionNumber',
  'instanceProfileName',
  'platform',
  's3Logs',
  'securityGroups',
  'sourceImageARN',
  'subnetId',
  'terminateInstanceOnFailure',
  'workflowPhase',
  'workingDirectory',
] as const;
export type SystemVariable = (typeof SYSTEM_VARIABLES)[number];

/** What references of a running workflow resolve against. An absent entry has no value (a step that was skipped). */
export interface ReferenceScope {
  readonly parameters: Readonly<Record<string, WorkflowValue>>;
  readonly stepOutputs: Readonly<Record<string, Readonly<Record<string, WorkflowValue>>>>;
  readonly workflowOutputs: Readonly<Record<string, WorkflowValue>>;
  readonly imagebuilder: Readonly<Partial<Record<SystemVariable, WorkflowValue>>>;
}

const SEGMENT = /^(?:\.([A-Za-z0-9_-]+)|\[([0-9]{1,4})\])/;
/** Blanks are trimmed afterwards: a pattern for them beside the text would take quadratic time on hostile input. */
const INTERPOLATION = /\{\{([^{}]*)\}\}/g;

/** Whether text wants to be a reference, well-formed or not. */
export function looksLikeReference(text: string): boolean {
  return text.startsWith('$.');
}

/** The parts of a reference, or undefined when the text is not one. Whether the names exist is not looked at. */
export function parseReference(text: string): Reference | undefined {
  if (!looksLikeReference(text)) return undefined;
  const segments: (string | number)[] = [];
  for (let rest = text.slice(1); rest !== ''; ) {
    const match = SEGMENT.exec(rest);
    if (match === null) return undefined;
    segments.push(match[1] ?? Number(match[2]));
    rest = rest.slice(match[0].length);
  }
  const node = REFERENCE_NODES.find((candidate) => candidate === segments[0]);
  if (node === undefined) return undefined;
  const step = node === 'stepOutputs' ? segments[1] : undefined;
  const [name, ...path] = segments.slice(node === 'stepOutputs' ? 2 : 1);
  if (typeof name !== 'string' || typeof step === 'number') return undefined;
  return { node, step, name, path, text };
}

/** The system variable that a reference means, whatever its case; undefined when there is none of this name. */
export function systemVariable(name: string): SystemVariable | undefined {
  return SYSTEM_VARIABLES.find((candidate) => candidate.toLowerCase() === name.toLowerCase());
}

/** The references inside `{{ … }}` of a text, as written; those that do not parse come as undefined with their text. */
export function interpolatedReferences(text: string): readonly { text: string; reference: Reference | undefined }[] {
  return [...text.matchAll(INTERPOLATION)]
    .map(([, inner = '']) => inner.trim())
    .filter((inner) => inner.startsWith('$'))
    .map((inner) => ({ text: inner, reference: parseReference(inner) }));
}

/** Whether a reference has a value. It has none when the step it names was skipped. */
export function hasValue(reference: Reference, scope: ReferenceScope): boolean {
  return findValue(reference, scope) !== undefined;
}

/** The value of a reference. Throws a BuildFailure when it has none. */
export function resolveReference(reference: Reference, scope: ReferenceScope): WorkflowValue {
  const value = findValue(reference, scope);
  if (value !== undefined) return value;
  const reason =
    reference.step !== undefined && !Object.hasOwn(scope.stepOutputs, reference.step)
      ? `: step ${reference.step} did not run`
      : '';
  throw new BuildFailure(`${reference.text} has no value${reason}`);
}

/** Replaces every `{{ $.… }}`. Text stays text, everything else is written as JSON. */
export function interpolate(text: string, scope: ReferenceScope): string {
  return text.replace(INTERPOLATION, (whole, inner: string) => {
    const reference = parseReference(inner.trim());
    if (reference === undefined) return whole;
    const value = resolveReference(reference, scope);
    return typeof value === 'string' ? value : JSON.stringify(value);
  });
}

/** Inputs as the action gets them: `.$` keys replaced by the value of their reference, texts interpolated, at any depth. */
export function resolveInputs(
  inputs: Readonly<Record<string, WorkflowValue>>,
  scope: ReferenceScope,
): Readonly<Record<string, WorkflowValue>> {
  return Object.fromEntries(
    Object.entries(inputs).map(([key, value]) => {
      if (!key.endsWith('.$')) return [key, resolveValue(value, scope)];
      const reference = typeof value === 'string' ? parseReference(value) : undefined;
      if (reference === undefined) throw new BuildFailure(`Input ${key} is not a reference: ${JSON.stringify(value)}`);
      return [key.slice(0, -2), resolveReference(reference, scope)];
    }),
  );
}

function resolveValue(value: WorkflowValue, scope: ReferenceScope): WorkflowValue {
  if (typeof value === 'string') return interpolate(value, scope);
  if (isList(value)) return value.map((item) => resolveValue(item, scope));
  if (typeof value === 'object') return resolveInputs(value, scope);
  return value;
}

function findValue(reference: Reference, scope: ReferenceScope): WorkflowValue | undefined {
  let value = baseValue(reference, scope);
  for (const segment of reference.path) value = value === undefined ? undefined : child(value, segment);
  return value;
}

function baseValue(reference: Reference, scope: ReferenceScope): WorkflowValue | undefined {
  const { node, step, name } = reference;
  switch (node) {
    case 'parameters':
      return own(scope.parameters, name);
    case 'workflowOutputs':
      return own(scope.workflowOutputs, name);
    case 'stepOutputs':
      return own(own(scope.stepOutputs, step ?? '') ?? {}, name);
    case 'imagebuilder':
      return own(scope.imagebuilder, systemVariable(name) ?? name);
    default:
      return node satisfies never;
  }
}

function child(value: WorkflowValue, segment: string | number): WorkflowValue | undefined {
  if (typeof segment === 'number') return isList(value) ? value[segment] : undefined;
  return typeof value === 'object' && !isList(value) ? own(value, segment) : undefined;
}

/** Own members only: `$.parameters.constructor` is not a value. */
function own<T>(record: Readonly<Record<string, T | undefined>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

function isList(value: WorkflowValue): value is readonly WorkflowValue[] {
  return Array.isArray(value);
}
