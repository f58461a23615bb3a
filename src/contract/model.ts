/**
 * The wire model of the API, read at start from the schemas that `@aws-sdk/client-imagebuilder` exports, with
 * newer-members.ts and constraints/ laid over them. Nothing about routing or shapes is written by hand, so the 77
 * operations stay right by construction (docs/decisions/010).
 */
import { NormalizedSchema } from '@smithy/core/schema';
import type { Constraint } from './constraints/constraint.ts';
import { constraintOf, type MemberConstraint, UNCONSTRAINED } from './constraints/lookup.ts';
import type { Member, OperationModel, Shape, StringShape, StructureShape } from './model.types.ts';
import { NEWER_MEMBERS, NEWER_STRUCTURES, type NewerShape } from './newer-members.ts';
import type { OperationName } from './operations.ts';
import { SDK_SCHEMAS } from './sdk-schemas.ts';

/** Reads all operations; their shapes when they are looked at first. Call once and pass the result on. */
export function readModel(): readonly OperationModel[] {
  const reader = new SchemaReader();
  return Object.values(SDK_SCHEMAS)
    .filter(isOperationSchema)
    .map((schema) => reader.operation(schema));
}

/** Static Smithy schema of an operation: `[9, namespace, name, traits, input, output]`. */
type OperationSchema = readonly [9, string, string, { http: [string, string, number] }, SchemaRef, SchemaRef];
type SchemaRef = Parameters<typeof NormalizedSchema.of>[0];

function isOperationSchema(exported: unknown): exported is OperationSchema {
  return Array.isArray(exported) && exported[0] === 9;
}

class SchemaReader {
  /** Structures by name: each is read once and shared. */
  readonly #structures = new Map<string, StructureShape>();

  operation([, , name, traits, input, output]: OperationSchema): OperationModel {
    const [method, path, status] = traits.http;
    const shape = (schema: SchemaRef): StructureShape => this.#structure(NormalizedSchema.of(schema));
    return {
      name: name as OperationName,
      method,
      path,
      status,
      get input() {
        return shape(input);
      },
      get output() {
        return shape(output);
      },
    };
  }

  #structure(schema: NormalizedSchema): StructureShape {
    const name = schema.getName() ?? '';
    const known = this.#structures.get(name);
    if (known !== undefined) return known;
    const members = new Map<string, Member>();
    const shape: StructureShape = { kind: 'structure', name, members };
    this.#structures.set(name, shape);
    const requiredCount = requiredMembers(schema);
    for (const [memberName, memberSchema] of schema.structIterator()) {
      const traits = memberSchema.getMergedTraits();
      members.set(memberName, {
        name: memberName,
        shape: this.#shape(memberSchema, constraintOf(name, memberName)),
        required: members.size < requiredCount || memberSchema.isIdempotencyToken(),
        location: traits.httpLabel !== undefined ? 'path' : traits.httpQuery !== undefined ? 'query' : 'body',
      });
    }
    this.#addNewerMembers(name, NEWER_MEMBERS[name] ?? {}, members);
    return shape;
  }

  #shape(schema: NormalizedSchema, { self, inner, keys }: MemberConstraint): Shape {
    if (schema.isStructSchema()) return this.#structure(schema);
    const items = self.items === undefined ? {} : { items: self.items };
    const below = { ...UNCONSTRAINED, self: inner };
    if (schema.isListSchema()) return { kind: 'list', ...items, element: this.#shape(schema.getValueSchema(), below) };
    if (schema.isMapSchema()) {
      return { kind: 'map', ...items, key: stringShape(keys), value: this.#shape(schema.getValueSchema(), below) };
    }
    if (schema.isTimestampSchema()) return { kind: 'timestamp' };
    if (schema.isBooleanSchema()) return { kind: 'boolean' };
    if (schema.isNumericSchema()) return { kind: 'number', ...(self.range === undefined ? {} : { range: self.range }) };
    if (schema.isStringSchema()) return stringShape(self);
    throw new Error(`Kiln cannot read the schema of ${schema.getName(true)}: its kind is new to this API.`);
  }

  #addNewerMembers(owner: string, added: Readonly<Record<string, NewerShape>>, members: Map<string, Member>): void {
    for (const [name, newer] of Object.entries(added)) {
      const shape = this.#newerShape(newer, constraintOf(owner, name));
      members.set(name, { name, shape, required: false, location: 'body' });
    }
  }

  #newerShape(newer: NewerShape, { self, inner }: MemberConstraint): Shape {
    if (newer === 'string') return stringShape(self);
    if (newer === 'number' || newer === 'boolean') return { kind: newer };
    if ('list' in newer) {
      const items = self.items === undefined ? {} : { items: self.items };
      return { kind: 'list', ...items, element: this.#newerShape(newer.list, { ...UNCONSTRAINED, self: inner }) };
    }
    const members = new Map<string, Member>();
    this.#addNewerMembers(newer.structure, NEWER_STRUCTURES[newer.structure], members);
    return { kind: 'structure', name: newer.structure, members };
  }
}

/** Required members come first in a static structure schema, and its seventh element counts them. */
function requiredMembers(schema: NormalizedSchema): number {
  const structure: unknown = schema.getSchema();
  const count: unknown = Array.isArray(structure) ? structure[6] : undefined;
  return typeof count === 'number' ? count : 0;
}

function stringShape({ length, pattern, enumeration }: Constraint): StringShape {
  return {
    kind: 'string',
    ...(length === undefined ? {} : { length }),
    ...(pattern === undefined ? {} : { pattern: { text: pattern, expression: new RegExp(`^(?:${pattern})$`) } }),
    ...(enumeration === undefined ? {} : { enumeration }),
  };
}
