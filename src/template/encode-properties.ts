import type { OperationModel, Shape, StructureShape } from '../contract/model.types.ts';
import { didYouMean, type SourcePosition } from '../util/problem.ts';
import type { ProblemList } from '../util/problem-list.ts';
import { suggestion } from '../util/yaml-reader.ts';
import { RENAMED_MEMBERS, type ResourceType } from './resource-types.ts';
import {
  type AttributeReference,
  constantText,
  joinParts,
  type MapValue,
  nounOf,
  type TextPart,
  type Value,
} from './values.ts';

/** A text in an input that is put together when the resources it names are there. */
export class PendingText {
  readonly parts: readonly TextPart[];

  constructor(parts: readonly TextPart[]) {
    this.parts = parts;
  }
}

/** The input of a Create operation, with {@link PendingText} where an attribute of another resource belongs. */
export interface EncodedProperties {
  readonly input: Readonly<Record<string, unknown>>;
  /** Where each member stands in the template, by its path as the API's errors name it: `components[0].componentArn`. */
  readonly positions: ReadonlyMap<string, SourcePosition>;
}

interface Encoding {
  readonly problems: ProblemList;
  readonly positions: Map<string, SourcePosition>;
}

/** Turns the properties of a resource into API members; what does not fit becomes a problem. */
export function encodeProperties(
  type: ResourceType,
  operation: OperationModel,
  typeName: string,
  properties: MapValue,
  problems: ProblemList,
): EncodedProperties | undefined {
  const encoding = { problems, positions: new Map<string, SourcePosition>([['', properties.position]]) };
  const before = problems.count;
  const usable = properties.entries.filter((entry) => {
    const reason = type.refused[entry.key];
    if (reason !== undefined) problems.add(entry.keyPosition, `Kiln does not support ${entry.key}.`, reason);
    return reason === undefined;
  });
  const members = membersOf(operation.input, type.renamed, type.hidden);
  const input = encodeMembers(members, { ...properties, entries: usable }, typeName, '', encoding);
  for (const group of type.exactlyOneOf) {
    const given = properties.entries.filter((entry) => group.includes(entry.key));
    if (given.length === 1) continue;
    const place = given[1]?.keyPosition ?? properties.position;
    const wanted = group.join(', ');
    problems.add(place, `${typeName} needs exactly one of ${wanted}, not ${given.length === 0 ? 'none' : 'both'}.`);
  }
  return problems.count > before ? undefined : { input, positions: encoding.positions };
}

interface Member {
  readonly name: string;
  readonly property: string;
  readonly shape: Shape;
  readonly required: boolean;
}

function membersOf(
  structure: StructureShape,
  renamed: Readonly<Record<string, string>>,
  hidden: readonly string[],
): readonly Member[] {
  return [...structure.members.values()]
    .filter((member) => !hidden.includes(member.name))
    .map(({ name, shape, required }) => ({ name, property: renamed[name] ?? propertyOf(name), shape, required }));
}

/** `imageRecipeArn` is the property `ImageRecipeArn`. */
export function propertyOf(member: string): string {
  return member.charAt(0).toUpperCase() + member.slice(1);
}

function encodeMembers(
  members: readonly Member[],
  map: MapValue,
  what: string,
  path: string,
  encoding: Encoding,
): Readonly<Record<string, unknown>> {
  const input: Record<string, unknown> = {};
  const given = new Set(map.entries.map((entry) => entry.key));
  for (const entry of map.entries) {
    const member = members.find((candidate) => candidate.property === entry.key);
    if (member === undefined) {
      const known = members.map((candidate) => candidate.property);
      const free = known.filter((property) => !given.has(property));
      encoding.problems.add(
        entry.keyPosition,
        `${what} has no property '${entry.key}'.`,
        suggestion(entry.key, free, known),
      );
      continue;
    }
    const memberPath = path === '' ? member.name : `${path}.${member.name}`;
    encoding.positions.set(memberPath, entry.value.position);
    input[member.name] = encodeValue(member.shape, entry.value, entry.key, memberPath, encoding);
  }
  for (const member of members) {
    if (!member.required || given.has(member.property)) continue;
    const near = didYouMean(member.property, given);
    const misspelled = near !== undefined && !members.some((candidate) => candidate.property === near);
    if (!misspelled) encoding.problems.add(map.position, `${what} needs the property '${member.property}'.`);
  }
  return input;
}

function encodeValue(shape: Shape, value: Value, what: string, path: string, encoding: Encoding): unknown {
  if (value.kind === 'text' && value.empty) {
    encoding.problems.add(value.position, `${what} has no value.`);
    return undefined;
  }
  const text = value.kind === 'text' ? constantText(value) : undefined;
  switch (shape.kind) {
    case 'string':
      if (value.kind !== 'text') return wrongType(value, what, 'a text', encoding);
      refuseDynamicReferences(value.parts, value.position, what, encoding);
      return text ?? new PendingText(value.parts);
    case 'boolean':
      if (text !== undefined && /^(true|false)$/i.test(text)) return text.toLowerCase() === 'true';
      return wrongType(value, what, 'true or false', encoding);
    case 'number':
      if (text !== undefined && text.trim() !== '' && Number.isFinite(Number(text))) return Number(text);
      return wrongType(value, what, 'a number', encoding);
    case 'timestamp':
      return wrongType(value, what, 'absent: templates have no times', encoding);
    case 'list':
      if (value.kind !== 'list') return wrongType(value, what, 'a list', encoding);
      return value.items.map((item, index) => {
        const itemPath = `${path}[${index}]`;
        encoding.positions.set(itemPath, item.position);
        return encodeValue(shape.element, item, `${what}[${index}]`, itemPath, encoding);
      });
    case 'map':
      if (value.kind !== 'map') return wrongType(value, what, 'a map', encoding);
      return Object.fromEntries(
        value.entries.map((entry) => {
          const entryPath = `${path}.${entry.key}`;
          encoding.positions.set(entryPath, entry.value.position);
          return [entry.key, encodeValue(shape.value, entry.value, `${what}.${entry.key}`, entryPath, encoding)];
        }),
      );
    case 'structure':
      if (value.kind !== 'map') return wrongType(value, what, 'a map', encoding);
      return encodeMembers(membersOf(shape, RENAMED_MEMBERS[shape.name] ?? {}, []), value, what, path, encoding);
  }
}

/** CloudFormation replaces them by what it looks up; Kiln would pass them on as they are. */
function refuseDynamicReferences(
  parts: readonly TextPart[],
  position: SourcePosition,
  what: string,
  { problems }: Encoding,
): void {
  if (!parts.some((part) => typeof part === 'string' && /\{\{resolve:[a-z-]+:/.test(part))) return;
  const hint = 'make it a parameter of type AWS::SSM::Parameter::Value<String>';
  problems.add(position, `Kiln does not support dynamic references: ${what} has {{resolve:…}}.`, hint);
}

function wrongType(value: Value, what: string, expected: string, encoding: Encoding): undefined {
  encoding.problems.add(value.position, `${what} must be ${expected}, not ${describe(value)}.`);
  return undefined;
}

function describe(value: Value): string {
  if (value.kind !== 'text') return nounOf(value);
  const text = constantText(value);
  return text === undefined ? 'an attribute of a resource' : `'${text.slice(0, 60)}'`;
}

/** Fills in what was pending, when every resource that is named is there. */
export function settle(value: unknown, attributeOf: (reference: AttributeReference) => string | undefined): unknown {
  if (value instanceof PendingText) return joinParts(value.parts, attributeOf) ?? '';
  if (Array.isArray(value)) return value.map((item) => settle(item, attributeOf));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, settle(member, attributeOf)]));
  }
  return value;
}
