import { ACTION_MODULES } from './action-modules/index.ts';
import type { ActionModule, ModuleInput } from './action-modules/module.ts';
import { OPERATORS } from './component-conditions.ts';
import { DELIMITERS } from './component-loops.ts';

/** A JSON Schema, draft 7: what editors understand. */
export type JsonSchema = { readonly [key: string]: unknown };

/** A scalar that is text for AWSTOE: YAML makes numbers and booleans of `0755`, `1.0` and `yes`. */
const TEXT: JsonSchema = { type: ['string', 'number', 'boolean'] };
const OPTIONAL_TEXT: JsonSchema = { type: ['string', 'number', 'boolean', 'null'] };
/** Any value that an expression may become. */
const EXPRESSION: JsonSchema = { type: 'string', pattern: '\\{\\{.*\\}\\}' };
const NAME: JsonSchema = { type: ['string', 'number'], pattern: '^[0-9A-Za-z_-]+$' };

/**
 * The schema of component documents, from the tables that validate them. It knows shapes, keys, words and types;
 * references between steps are for `kiln toe validate`.
 */
export function componentSchema(): JsonSchema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Component document of EC2 Image Builder (AWSTOE)',
    ...closed(['schemaVersion', 'phases'], {
      schemaVersion: { enum: [1, '1.0'], description: 'Always 1.0.' },
      name: OPTIONAL_TEXT,
      description: OPTIONAL_TEXT,
      parameters: declarations(
        closed(['type'], { type: { const: 'string' }, default: OPTIONAL_TEXT, description: OPTIONAL_TEXT }),
      ),
      constants: declarations(closed(['type', 'value'], { type: { const: 'string' }, value: OPTIONAL_TEXT })),
      phases: {
        type: 'array',
        minItems: 1,
        items: closed(['name', 'steps'], {
          name: { ...NAME, description: 'build, validate, test, or a name of your own.' },
          steps: { type: 'array', minItems: 1, items: { $ref: '#/definitions/step' } },
        }),
      },
    }),
    definitions: {
      step: stepSchema(),
      condition: conditionSchema([]),
      stepCondition: conditionSchema(['then', 'else']),
    },
  };
}

function stepSchema(): JsonSchema {
  const modules = Object.values<ActionModule>(ACTION_MODULES);
  return {
    ...closed(['name', 'action'], {
      name: { ...NAME, description: 'Unique within its phase.' },
      action: {
        enum: modules.map(({ name }) => name),
        description: modules.map(({ name, summary }) => `${name}: ${summary}`).join('\n'),
      },
      timeoutSeconds: {
        ...integer(),
        not: { const: 0 },
        description: 'Of one attempt; -1 for no limit. Default 7200.',
      },
      onFailure: { enum: ['Abort', 'Continue', 'Ignore'], description: 'Default Abort.' },
      maxAttempts: { ...integer(), minimum: 1, description: 'Default 1.' },
      disableLogging: boolean(),
      if: {
        oneOf: [
          { $ref: '#/definitions/stepCondition' },
          { type: 'array', minItems: 1, maxItems: 1, items: { $ref: '#/definitions/stepCondition' } },
        ],
      },
      loop: loopSchema(),
      inputs: {},
    }),
    allOf: modules.map((module) => ({
      if: { properties: { action: { const: module.name } }, required: ['action'] },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: {
        ...(module.inputsOptional ? {} : { required: ['inputs'] }),
        properties: { inputs: inputsSchema(module) },
      },
    })),
  };
}

function inputsSchema(module: ActionModule): JsonSchema {
  if (module.shape === 'condition') return { $ref: '#/definitions/condition' };
  const inputs = Object.entries(module.inputs);
  const entry = closed(
    inputs.filter(([, input]) => input.required).map(([name]) => name),
    Object.fromEntries(inputs.map(([name, input]) => [name, inputSchema(input)])),
  );
  if (module.shape === 'list') return { type: 'array', minItems: 1, items: entry };
  const choice = module.exactlyOneOf?.map((name) => ({ required: [name] }));
  const map = choice === undefined ? entry : { ...entry, oneOf: choice };
  return module.inputsOptional ? { anyOf: [map, { type: 'null' }, { type: 'array', maxItems: 0 }] } : map;
}

function inputSchema(input: ModuleInput): JsonSchema {
  const { summary: description, required } = input;
  const about = { description, ...(input.default === undefined ? {} : { default: input.default }) };
  const shape = valueSchema(input);
  // `content:` with nothing behind it is what the input is without the key.
  return { ...about, anyOf: required ? [shape] : [shape, { type: 'null' }] };
}

function valueSchema(input: ModuleInput): JsonSchema {
  if (input.words !== undefined) {
    const words = input.anyCase ? { type: 'string', pattern: anyCase(input.words) } : { enum: input.words };
    return { anyOf: [words, EXPRESSION] };
  }
  switch (input.type) {
    case 'texts':
      return { type: 'array', items: TEXT, ...(input.required ? { minItems: 1 } : {}) };
    case 'boolean':
      return { anyOf: [boolean(), EXPRESSION] };
    case 'integer':
      return {
        anyOf: [{ ...integer(), ...(input.minimum === undefined ? {} : { minimum: input.minimum }) }, EXPRESSION],
      };
    case 'permissions':
      return { anyOf: [{ type: 'integer', minimum: 0 }, { type: 'string', pattern: '^0*[0-7]{1,4}$' }, EXPRESSION] };
    case 'url':
      return { anyOf: [{ type: 'string', pattern: '^[Hh][Tt][Tt][Pp][Ss]?://' }, EXPRESSION] };
    case 'path':
      return { type: ['string', 'number'], minLength: 1 };
    case 'text':
      if (input.pattern === undefined) return TEXT;
      return { anyOf: [{ type: ['string', 'number'], pattern: input.pattern.source }, EXPRESSION] };
    default:
      // Its rules are not such that a schema can tell them.
      return {};
  }
}

/** Editors have no flag for it. */
function anyCase(words: readonly string[]): string {
  const either = (letter: string): string => `[${letter.toUpperCase()}${letter.toLowerCase()}]`;
  return `^(${words.map((word) => word.replace(/[a-z]/gi, either)).join('|')})$`;
}

function conditionSchema(others: readonly string[]): JsonSchema {
  const condition = { $ref: '#/definitions/condition' };
  const outcomes = Object.fromEntries(others.map((name) => [name, { enum: ['Execute', 'Skip', 'Abort'] }]));
  const forms = Object.entries(OPERATORS).map(([name, operator]) => {
    const companion = 'companion' in operator ? [operator.companion] : [];
    const operands: Readonly<Record<string, JsonSchema>> = {
      conditions: { type: 'array', minItems: 2, items: condition },
      condition: { anyOf: [condition, { type: 'array', minItems: 1, maxItems: 1, items: condition }] },
      number: { anyOf: [{ type: 'number' }, { type: 'string', pattern: '^[-+]?([0-9]+[.])?[0-9]+$' }, EXPRESSION] },
    };
    return closed([name, ...companion], {
      [name]: operands[operator.operand] ?? OPTIONAL_TEXT,
      ...Object.fromEntries(companion.map((key) => [key, OPTIONAL_TEXT])),
      ...outcomes,
    });
  });
  return { oneOf: forms };
}

function loopSchema(): JsonSchema {
  const number = integer();
  return {
    ...closed([], {
      name: { ...NAME, pattern: '^[A-Za-z0-9_-]*$' },
      for: closed(['start', 'end', 'updateBy'], {
        start: number,
        end: number,
        updateBy: { ...number, not: { const: 0 } },
      }),
      forEach: {
        oneOf: [
          { type: 'array', minItems: 1, items: TEXT },
          closed(['list'], { list: TEXT, delimiter: { enum: DELIMITERS } }),
        ],
      },
    }),
    oneOf: [{ required: ['for'] }, { required: ['forEach'] }],
  };
}

function declarations(body: JsonSchema): JsonSchema {
  const pattern = '^[A-Za-z0-9_-]{3,128}$';
  const item = {
    type: 'object',
    minProperties: 1,
    maxProperties: 1,
    patternProperties: { [pattern]: body },
    additionalProperties: false,
  };
  return { anyOf: [{ type: 'array', items: item }, { type: 'null' }] };
}

function closed(required: readonly string[], properties: Readonly<Record<string, unknown>>): JsonSchema {
  return { type: 'object', ...(required.length === 0 ? {} : { required }), properties, additionalProperties: false };
}

/** Quoted ones count too. */
function integer(): JsonSchema {
  return { type: ['integer', 'string'], pattern: '^[-+]?[0-9]+$' };
}

function boolean(): JsonSchema {
  return { enum: [true, false, 'true', 'false', 'True', 'False', 'TRUE', 'FALSE'] };
}
