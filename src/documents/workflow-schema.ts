import type { JsonSchema } from './component-schema.ts';
import { type ActionDefinition, type ActionInput, type ActionValueType, WORKFLOW_ACTIONS } from './workflow-actions.ts';
import { COMPARISONS, MAX_CONDITION_CHILDREN } from './workflow-conditions.ts';

const REFERENCE: JsonSchema = { type: 'string', pattern: '^\\$\\.' };
const INTERPOLATED: JsonSchema = { type: 'string', pattern: '\\{\\{' };
const SCALAR: JsonSchema = { type: ['string', 'number', 'boolean'] };

/** The schema of workflow documents, from the tables that validate them. */
export function workflowSchema(): JsonSchema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Workflow document of EC2 Image Builder',
    ...closed(['schemaVersion', 'steps'], {
      schemaVersion: { enum: [1, '1.0'], description: 'Always 1.0.' },
      name: SCALAR,
      description: SCALAR,
      parameters: {
        type: 'array',
        items: closed(['name'], {
          name: { type: 'string', pattern: '^[A-Za-z0-9_-]{1,128}$' },
          type: { enum: ['string', 'integer', 'boolean', 'stringList'] },
          default: { anyOf: [SCALAR, { type: 'array', items: SCALAR }] },
          description: SCALAR,
        }),
      },
      steps: { type: 'array', minItems: 1, items: { $ref: '#/definitions/step' } },
      outputs: {
        type: 'array',
        items: closed(['name', 'value'], {
          name: { type: 'string', pattern: '^[A-Za-z][A-Za-z0-9_-]{0,127}$' },
          value: SCALAR,
        }),
      },
    }),
    definitions: { step: stepSchema(), condition: conditionSchema() },
  };
}

function stepSchema(): JsonSchema {
  const actions: readonly (readonly [string, ActionDefinition])[] = Object.entries(WORKFLOW_ACTIONS);
  const number: JsonSchema = { type: ['integer', 'string'], pattern: '^[0-9]+$' };
  return {
    ...closed(['name', 'action'], {
      name: { type: 'string', pattern: '^[A-Za-z][A-Za-z0-9_-]{1,99}$' },
      action: {
        enum: actions.map(([name]) => name),
        description: actions.map(([name, { summary }]) => `${name}: ${summary}`).join('\n'),
      },
      description: { type: 'string', minLength: 1, maxLength: 1024 },
      if: { $ref: '#/definitions/condition' },
      inputs: { type: 'object' },
      onFailure: { enum: ['Abort', 'Continue'] },
      rollbackEnabled: { anyOf: [{ type: 'boolean' }, REFERENCE] },
      timeoutSeconds: number,
      waitSeconds: number,
      retry: closed(['maxAttempts'], { maxAttempts: number, backoffSeconds: number }),
    }),
    allOf: actions.map(([name, definition]) => ({
      if: { properties: { action: { const: name } }, required: ['action'] },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: inputsOf(definition),
    })),
  };
}

function inputsOf({ inputs }: ActionDefinition): JsonSchema {
  const required = Object.values(inputs).some((input) => input.required);
  return { ...(required ? { required: ['inputs'] } : {}), properties: { inputs: membersSchema(inputs) } };
}

function membersSchema(inputs: Readonly<Record<string, ActionInput>>): JsonSchema {
  const entries = Object.entries(inputs).filter(([, input]) => input.notYet === undefined);
  const required = entries.filter(([, input]) => input.required).map(([name]) => name);
  return {
    ...closed(
      [],
      Object.fromEntries(
        entries.flatMap(([name, input]) => [
          ...(input.onlyStepOutput === true
            ? []
            : [[name, { description: input.summary, ...valueSchema(input) }] as const]),
          [`${name}.$`, { description: input.summary, ...REFERENCE }],
        ]),
      ),
    ),
    ...(required.length === 0
      ? {}
      : { allOf: required.map((name) => ({ oneOf: [{ required: [name] }, { required: [`${name}.$`] }] })) }),
  };
}

function valueSchema(input: ActionInput): JsonSchema {
  const { type, allowed, members, maxItems } = input;
  if (allowed !== undefined) return { anyOf: [{ enum: allowed }, INTERPOLATED] };
  const map = members === undefined ? { type: 'object', additionalProperties: SCALAR } : membersSchema(members);
  const texts: JsonSchema = { type: 'array', items: SCALAR };
  const types: Readonly<Record<ActionValueType, JsonSchema>> = {
    string: SCALAR,
    boolean: { enum: [true, false, 'true', 'false'] },
    integer: { type: ['integer', 'string'] },
    stringList: texts,
    map,
    mapList: { type: 'array', items: map, ...(maxItems === undefined ? {} : { maxItems }) },
    stringListMap: { type: 'object', additionalProperties: { anyOf: [texts, REFERENCE] } },
  };
  return types[type];
}

function conditionSchema(): JsonSchema {
  const condition = { $ref: '#/definitions/condition' };
  const many = { type: 'array', minItems: 1, maxItems: MAX_CONDITION_CHILDREN, items: condition };
  const comparisons = Object.keys(COMPARISONS).map((name) =>
    closed([name, 'value'], { [name]: SCALAR, value: SCALAR }),
  );
  const map = {
    oneOf: [
      closed(['and'], { and: many }),
      closed(['or'], { or: many }),
      closed(['not'], { not: condition }),
      ...comparisons,
    ],
  };
  return { anyOf: [map, { type: 'array', minItems: 1, maxItems: 1, items: map }] };
}

function closed(required: readonly string[], properties: Readonly<Record<string, unknown>>): JsonSchema {
  return { type: 'object', ...(required.length === 0 ? {} : { required }), properties, additionalProperties: false };
}
