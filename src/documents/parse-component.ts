import type { Problem } from '../util/problem.ts';
import { ProblemList } from '../util/problem-list.ts';
import { field, keyPosition, readList, readMap, readText, suggestion } from '../util/yaml-reader.ts';
import { parseYaml, type YamlMap, type YamlNode } from '../util/yaml-source.ts';
import type { DocumentOs } from './action-modules/module.ts';
import type { ComponentDocument, DocumentConstant, DocumentParameter, Phase } from './component.ts';
import { checkReachability } from './component-reachability.ts';
import { type ReferableStep, type ReferenceScope, SourceLines } from './component-references.ts';
import { readStep } from './component-steps.ts';

export interface ComponentOptions {
  /** System that the document is for; decides which action modules it may use. Default `linux`. */
  readonly os?: DocumentOs;
  /** Whether one of the phases build, validate and test must be there, as the service wants it. Default true. */
  readonly standardPhase?: boolean;
  /** Bytes that the document may have. Default 64 KiB. */
  readonly maxBytes?: number;
  /** Gets what is legal and hardly meant, of a document that is valid. */
  readonly onWarning?: (warning: Problem) => void;
}

/** Phases that Image Builder asks for. */
export const STANDARD_PHASES = ['build', 'validate', 'test'] as const;

/**
 * Parses and validates a component document.
 *
 * @param fileName How problems name the document.
 * @throws InvalidDocumentError with every problem found.
 */
export function parseComponent(text: string, fileName: string, options: ComponentOptions = {}): ComponentDocument {
  const problems = new ProblemList(fileName);
  const root = parseYaml(text, problems, options.maxBytes === undefined ? {} : { maxBytes: options.maxBytes });
  const map =
    root === undefined
      ? undefined
      : readMap(root, 'a component document', problems, {
          required: ['schemaVersion', 'phases'],
          optional: ['name', 'description', 'parameters', 'constants'],
        });
  if (map === undefined) {
    problems.throwIfAny();
    throw new Error('a document without a map has problems');
  }
  checkSchemaVersion(map, problems);
  const name = readOptionalText(map, 'name', problems) ?? '';
  const description = readOptionalText(map, 'description', problems) ?? '';
  const names = new Set<string>();
  const parameters = readParameters(map, names, problems);
  const constants = readConstants(map, names, problems);
  const phases = readPhases(map, names, text, options, problems);
  const warnings = checkReachability(phases, fileName, problems);
  problems.throwIfAny();
  for (const warning of warnings) options.onWarning?.(warning);
  return deepFreeze({
    schemaVersion: '1.0',
    name,
    description,
    parameters,
    constants,
    phases,
  });
}

function checkSchemaVersion(map: YamlMap, problems: ProblemList): void {
  const node = field(map, 'schemaVersion');
  const version = node === undefined ? undefined : readText(node, 'schemaVersion', problems);
  if (node === undefined || version === undefined || version === '1.0') return;
  problems.add(node.position, `schemaVersion cannot be '${version}'.`, 'write schemaVersion: 1.0');
}

function readOptionalText(map: YamlMap, key: string, problems: ProblemList): string | undefined {
  const node = field(map, key);
  if (node === undefined || (node.kind === 'scalar' && node.value === null)) return undefined;
  return readText(node, key, problems);
}

function readParameters(map: YamlMap, names: Set<string>, problems: ProblemList): readonly DocumentParameter[] {
  return readDeclarations(map, 'parameters', names, problems).flatMap(({ name, node }): DocumentParameter[] => {
    const body = readMap(node, `the parameter '${name}'`, problems, {
      required: ['type'],
      optional: ['default', 'description'],
    });
    if (body === undefined) return [];
    checkType(body, 'parameter', problems);
    const value = field(body, 'default');
    return [
      {
        name,
        type: 'string',
        // `default:` with nothing behind it is the empty string.
        default: value === undefined ? undefined : (readOptionalText(body, 'default', problems) ?? ''),
        description: readOptionalText(body, 'description', problems),
      },
    ];
  });
}

function readConstants(map: YamlMap, names: Set<string>, problems: ProblemList): readonly DocumentConstant[] {
  return readDeclarations(map, 'constants', names, problems).flatMap(({ name, node }): DocumentConstant[] => {
    const body = readMap(node, `the constant '${name}'`, problems, { required: ['type', 'value'], optional: [] });
    if (body === undefined) return [];
    checkType(body, 'constant', problems);
    return [{ name, value: readOptionalText(body, 'value', problems) ?? '' }];
  });
}

interface Declaration {
  readonly name: string;
  readonly node: YamlNode;
}

/** Parameters and constants share one namespace; each is a map with its name as the only key. */
function readDeclarations(
  map: YamlMap,
  key: 'parameters' | 'constants',
  names: Set<string>,
  problems: ProblemList,
): readonly Declaration[] {
  const node = field(map, key);
  if (node === undefined || (node.kind === 'scalar' && node.value === null)) return [];
  const list = readList(node, key, problems);
  return (list?.items ?? []).flatMap((item): Declaration[] => {
    const entry = readMap(item, `an item of ${key}`, problems);
    const only = entry?.entries[0];
    if (entry === undefined) return [];
    if (only === undefined || entry.entries.length !== 1) {
      problems.add(
        entry.position,
        `An item of ${key} must have its name as the only key.`,
        entry.entries.some(({ key }) => key === 'name')
          ? 'write the name itself as the key: `- Version:`, and type and the others indented below it'
          : 'type and the others are indented below the name',
      );
      return [];
    }
    if (!/^[A-Za-z0-9_-]{3,128}$/.test(only.key)) {
      problems.add(only.keyPosition, `The name '${only.key}' is not allowed.`, '3 to 128 letters, digits, - and _');
    }
    if (names.has(only.key)) {
      problems.add(only.keyPosition, `The name '${only.key}' is already a parameter or a constant.`);
    }
    names.add(only.key);
    return [{ name: only.key, node: only.value }];
  });
}

function checkType(body: YamlMap, what: string, problems: ProblemList): void {
  const node = field(body, 'type');
  const type = node === undefined ? undefined : readText(node, 'type', problems);
  if (node === undefined || type === undefined || type === 'string') return;
  problems.add(node.position, `A ${what} cannot be of type '${type}'.`, suggestion(type, ['string']));
}

function readPhases(
  map: YamlMap,
  names: ReadonlySet<string>,
  text: string,
  options: ComponentOptions,
  problems: ProblemList,
): readonly Phase[] {
  const node = field(map, 'phases');
  const list = node === undefined ? undefined : readList(node, 'phases', problems);
  if (list === undefined) return [];
  const outlines = list.items.flatMap((item) => outlinePhase(item, problems) ?? []);
  checkPhaseNames(list.items.length, map, outlines, options, problems);
  const steps = indexSteps(outlines, problems);
  const source = new SourceLines(text);
  let order = 0;
  return outlines.map((phase) => ({
    name: phase.name,
    steps: phase.steps.flatMap((step) => {
      const scope: ReferenceScope = { names, steps, order: order++, source };
      return readStep(step, phase.name, options.os ?? 'linux', scope, problems) ?? [];
    }),
  }));
}

interface PhaseOutline {
  readonly name: string;
  readonly map: YamlMap;
  readonly steps: readonly YamlNode[];
}

function outlinePhase(node: YamlNode, problems: ProblemList): PhaseOutline | undefined {
  const [only, ...others] = node.kind === 'map' ? node.entries : [];
  if (
    only !== undefined &&
    others.length === 0 &&
    only.value.kind === 'map' &&
    field(only.value, 'steps') !== undefined
  ) {
    problems.add(
      only.keyPosition,
      'A phase needs the keys name and steps.',
      `write \`- name: ${only.key}\`, and steps beside it`,
    );
    return undefined;
  }
  const map = readMap(node, 'a phase', problems, { required: ['name', 'steps'], optional: [] });
  if (map === undefined) return undefined;
  const nameNode = field(map, 'name');
  const name = nameNode === undefined ? '' : (readText(nameNode, 'the name of the phase', problems) ?? '');
  if (name !== '' && !/^[0-9A-Za-z_-]+$/.test(name)) {
    problems.add(
      nameNode?.position ?? map.position,
      `Invalid phase name '${name}'.`,
      'letters, digits, - and _ are allowed',
    );
  }
  const stepsNode = field(map, 'steps');
  const steps = stepsNode === undefined ? undefined : readList(stepsNode, `steps of the phase '${name}'`, problems);
  if (steps?.items.length === 0) problems.add(steps.position, `The phase '${name}' has no steps.`);
  return { name, map, steps: steps?.items ?? [] };
}

function checkPhaseNames(
  count: number,
  map: YamlMap,
  phases: readonly PhaseOutline[],
  options: ComponentOptions,
  problems: ProblemList,
): void {
  const place = keyPosition(map, 'phases');
  if (count === 0) {
    problems.add(place, 'The document has no phases.', `at least one of ${STANDARD_PHASES.join(', ')}`);
    return;
  }
  const seen = new Set<string>();
  for (const phase of phases) {
    if (seen.has(phase.name)) problems.add(phase.map.position, `There are two phases '${phase.name}'.`);
    seen.add(phase.name);
  }
  if ((options.standardPhase ?? true) && !STANDARD_PHASES.some((name) => seen.has(name))) {
    problems.add(place, `At least one of the phases ${STANDARD_PHASES.join(', ')} is needed.`);
  }
}

/** Every step by `phase.step`, before any is read: references may name steps that have problems of their own. */
function indexSteps(phases: readonly PhaseOutline[], problems: ProblemList): ReferenceScope['steps'] {
  const steps = new Map<string, ReferableStep & { readonly order: number }>();
  const loops = new Set<string>();
  let order = 0;
  for (const phase of phases) {
    for (const node of phase.steps) {
      const at = order++;
      if (node.kind !== 'map') continue;
      const name = textOf(field(node, 'name'));
      if (name === undefined) continue;
      const key = `${phase.name}.${name}`;
      if (steps.has(key)) {
        problems.add(node.position, `There are two steps '${name}' in the phase '${phase.name}'.`);
        continue;
      }
      const inputs = field(node, 'inputs');
      const entries = inputs?.kind === 'list' ? inputs.items.length : 1;
      steps.set(key, { phase: phase.name, name, action: textOf(field(node, 'action')) ?? '', entries, order: at });
      checkLoopName(node, phase.name, loops, problems);
    }
  }
  return steps;
}

function checkLoopName(step: YamlMap, phase: string, seen: Set<string>, problems: ProblemList): void {
  const loop = field(step, 'loop');
  const nameNode = loop?.kind === 'map' ? field(loop, 'name') : undefined;
  const name = textOf(nameNode);
  if (nameNode === undefined || name === undefined || name === '') return;
  const key = `${phase}.${name}`;
  if (seen.has(key)) problems.add(nameNode.position, `There are two loops '${name}' in the phase '${phase}'.`);
  seen.add(key);
}

function textOf(node: YamlNode | undefined): string | undefined {
  return node?.kind === 'scalar' && node.value !== null ? node.text : undefined;
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const child of Object.values(value)) deepFreeze(child);
  }
  return value;
}
