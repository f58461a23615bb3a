import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as ImageBuilder from '@aws-sdk/client-imagebuilder';
import { NormalizedSchema } from '@smithy/core/schema';
import { COLLECTIONS } from './constraints/collections.ts';
import { REQUESTS } from './constraints/requests.ts';
import { SIMPLE_TYPES } from './constraints/simple-types.ts';
import { STRUCTURES } from './constraints/structures.ts';
import { readModel } from './model.ts';
import type { OperationModel, Shape, StructureShape } from './model.types.ts';
import { NEWER_MEMBERS, NEWER_STRUCTURES } from './newer-members.ts';

const model = readModel();

function operation(name: string): OperationModel {
  const found = model.find((candidate) => candidate.name === name);
  assert.ok(found !== undefined, name);
  return found;
}

/** Every structure that requests are made of, by name. */
function requestStructures(): Map<string, StructureShape> {
  const found = new Map<string, StructureShape>();
  const visit = (shape: Shape): void => {
    if (shape.kind === 'list') visit(shape.element);
    if (shape.kind === 'map') visit(shape.value);
    if (shape.kind !== 'structure' || found.has(shape.name)) return;
    found.set(shape.name, shape);
    for (const member of shape.members.values()) visit(member.shape);
  };
  for (const { input } of model) visit(input);
  return found;
}

describe('the wire model', () => {
  it('has all 77 operations, each with its own route', () => {
    assert.equal(model.length, 77);
    assert.equal(new Set(model.map(({ method, path }) => `${method} ${path}`)).size, 77);
    assert.deepEqual(
      model.map(({ status }) => status).filter((status) => status !== 200),
      [],
    );
  });

  it('knows where the members of tag operations travel', () => {
    const { method, path, input } = operation('UntagResource');
    assert.deepEqual([method, path], ['DELETE', '/tags/{resourceArn}']);
    assert.equal(input.members.get('resourceArn')?.location, 'path');
    assert.equal(input.members.get('tagKeys')?.location, 'query');
    assert.equal(input.members.get('tagKeys')?.shape.kind, 'list');
  });

  it('counts idempotency tokens among the required members', () => {
    const required = [...operation('CreateImage').input.members.values()].filter((member) => member.required);
    assert.deepEqual(
      required.map(({ name }) => name),
      ['infrastructureConfigurationArn', 'clientToken'],
    );
  });

  it('has the members that are newer than the SDK package, with their constraints', () => {
    const watermarks = operation('CreateImageRecipe').input.members.get('amiWatermarks')?.shape;
    assert.equal(watermarks?.kind, 'list');
    assert.deepEqual(watermarks.items, [1, 5]);
    assert.equal(watermarks.element.kind, 'string');
    assert.deepEqual(watermarks.element.length, [3, 128]);
  });
});

describe('the members laid over the SDK package', () => {
  const schemas = new Map<string, NormalizedSchema>();
  const visit = (schema: NormalizedSchema): void => {
    if (schema.isListSchema() || schema.isMapSchema()) visit(schema.getValueSchema());
    const name = schema.getName() ?? '';
    if (!schema.isStructSchema() || schemas.has(name)) return;
    schemas.set(name, schema);
    for (const [, member] of schema.structIterator()) visit(member);
  };
  for (const exported of Object.values(ImageBuilder) as unknown[]) {
    if (Array.isArray(exported) && exported[0] === 3) visit(NormalizedSchema.of(exported as never));
  }

  for (const [structure, members] of Object.entries(NEWER_MEMBERS)) {
    it(`are still newer in ${structure}: an entry that the package has goes away`, () => {
      const known = [...(schemas.get(structure)?.structIterator() ?? [])].map(([name]) => name);
      assert.ok(known.length > 0, 'the package has the structure');
      assert.deepEqual(
        Object.keys(members).filter((name) => known.includes(name)),
        [],
      );
    });
  }

  it('use no structure that the package has', () => {
    assert.deepEqual(
      Object.keys(NEWER_STRUCTURES).filter((name) => schemas.has(name)),
      [],
    );
  });
});

describe('the constraint tables', () => {
  const structures = requestStructures();

  it('name only structures and members that requests have', () => {
    const named: Record<string, Record<string, string>> = { ...STRUCTURES };
    for (const [name, rules] of Object.entries(REQUESTS)) named[`${name}Request`] = rules;
    const strangers = Object.entries(named).flatMap(([name, rules]) =>
      Object.keys(rules)
        .filter((member) => structures.get(name)?.members.has(member) !== true)
        .map((member) => `${name}.${member}`),
    );
    assert.deepEqual(strangers, []);
  });

  it('fit the kinds of the members that they constrain', () => {
    const rules = new Set<string>([...Object.keys(SIMPLE_TYPES), ...Object.keys(COLLECTIONS)]);
    const misfits: string[] = [];
    for (const [name, members] of Object.entries<Record<string, string>>({ ...REQUESTS, ...STRUCTURES })) {
      for (const [memberName, rule] of Object.entries(members)) {
        const structure = structures.get(`${name}Request`) ?? structures.get(name);
        const shape = structure?.members.get(memberName)?.shape;
        const isCollection = shape?.kind === 'list' || shape?.kind === 'map';
        if (isCollection !== rule in COLLECTIONS) misfits.push(`${name}.${memberName}`);
        if (!rules.has(rule) && shape?.kind === 'string' && (shape.enumeration ?? []).length === 0) misfits.push(rule);
      }
    }
    assert.deepEqual(misfits, []);
  });

  it('leave only these strings and numbers of requests free', () => {
    const free: string[] = [];
    for (const [name, { members }] of structures) {
      for (const { name: memberName, shape } of members.values()) {
        if (shape.kind === 'string' && Object.keys(shape).length === 1) free.push(`${name}.${memberName}`);
        if (shape.kind === 'number' && shape.range === undefined) free.push(`${name}.${memberName}`);
      }
    }
    assert.deepEqual(free.sort(), [
      'CreateComponentRequest.uri',
      'CreateContainerRecipeRequest.dockerfileTemplateUri',
      'CreateWorkflowRequest.uri',
      'ImportComponentRequest.uri',
      'ImportDiskImageRequest.uri',
    ]);
  });
});
