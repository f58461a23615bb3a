import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { expressionsOf, parseText, resolveText } from '../documents/component-expressions.ts';
import { parseComponent } from '../documents/parse-component.ts';
import { InvalidDocumentError } from '../util/problem.ts';
import { documentOf, run } from './run-documents.fixture.ts';
import type { Target } from './target.ts';

/** Runs that once found something, and a few more: every property is tried with each of them. */
const SEEDS = [1, 7, 42, 1_048_573, -559_038_737, 20_261_123];

function always(property: fc.IProperty<unknown[]>, numRuns: number): void {
  for (const seed of SEEDS) fc.assert(property, { seed, numRuns });
}

const piece = fc.constantFrom(
  ...['{{', '}}', ' ', '{', '}', '\t', '\n', '.', ':', '[', ']', '(', ')', '0', '999999', 'a', 'build', 'loop'],
  ...[
    'value',
    'index',
    'inputs',
    'outputs',
    'aws:ssm:',
    'aws:imds:',
    'env:',
    'context:',
    'resolve(',
    '/x',
    '..',
    'é',
    '\u0000',
  ],
);
const text = fc.oneof(
  fc.string(),
  fc.array(piece, { maxLength: 40 }).map((parts) => parts.join('')),
);

test('the parts of any text are the text again, and expressions are what is between braces', () => {
  always(
    fc.property(text, (value) => {
      const parts = parseText(value);
      assert.equal(parts.map((part) => (typeof part === 'string' ? part : part.source)).join(''), value);
      for (const { source } of expressionsOf(value)) assert.match(source, /^\{\{.*\}\}$/s);
    }),
    400,
  );
});

test('a value is put in as it is and never read again, whatever it holds', () => {
  always(
    fc.property(text, text, (template, value) => {
      const parts = parseText(template);
      const expected = parts.map((part) => (typeof part === 'string' ? part : value)).join('');
      assert.equal(
        resolveText(template, () => value),
        expected,
      );
      assert.equal(
        resolveText(template, () => undefined),
        template,
      );
    }),
    400,
  );
});

const key = fc.constantFrom(
  'name',
  'action',
  'inputs',
  'loop',
  'if',
  'for',
  'forEach',
  'list',
  'commands',
  'and',
  'not',
  'stringEquals',
  'value',
  'phases',
  'steps',
  'schemaVersion',
  'parameters',
  'onFailure',
);
const leaf = fc.oneof(
  text,
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom('1.0', 'build', 'ExecuteBash', 'ExecuteDocument', 'S3Download', 'Assert', 'Ignore'),
);
const { node } = fc.letrec((tie) => ({
  node: fc.oneof(
    { maxDepth: 6 },
    leaf,
    fc.array(tie('node'), { maxLength: 4 }),
    fc.dictionary(key, tie('node'), { maxKeys: 5 }),
  ),
}));

test('any tree of known words is a document or has problems, each with a place', () => {
  always(
    fc.property(fc.dictionary(key, node), (tree) => {
      try {
        parseComponent(JSON.stringify(tree), 'D.yaml');
      } catch (error) {
        assert.ok(error instanceof InvalidDocumentError, String(error));
        for (const { position } of error.problems) assert.ok(position.line >= 1 && position.column >= 1);
      }
    }),
    150,
  );
});

const stepSpec = fc.record({
  phase: fc.constantFrom('build', 'validate'),
  codes: fc.array(fc.constantFrom(0, 1, 2, 137), { minLength: 3, maxLength: 3 }),
  onFailure: fc.constantFrom('Abort', 'Continue', 'Ignore'),
  maxAttempts: fc.integer({ min: 1, max: 3 }),
  skip: fc.boolean(),
});

test('statuses and counts of any run are those of the rules', async () => {
  for (const seed of SEEDS) {
    await fc.assert(
      fc.asyncProperty(fc.array(stepSpec, { minLength: 1, maxLength: 8 }), async (specs) => {
        const attempts = new Map<string, number>();
        // Answers with the codes that the step's arguments name, attempt by attempt.
        const target: Target = {
          os: 'linux',
          name: 'fuzz',
          run: async ({ argv }) => {
            const [program, name = '', ...codes] = argv;
            if (program !== 'step') return { code: 0 };
            const attempt = attempts.get(name) ?? 0;
            attempts.set(name, attempt + 1);
            return { code: Number(codes[attempt]) };
          },
          reboot: async () => {},
        };
        const phases = ['build', 'validate'].map((phase): [string, Readonly<Record<string, unknown>>[]] => [
          phase,
          specs.flatMap((spec, index) =>
            spec.phase !== phase
              ? []
              : [
                  {
                    name: `S${index}`,
                    action: 'ExecuteBinary',
                    onFailure: spec.onFailure,
                    maxAttempts: spec.maxAttempts,
                    ...(spec.skip ? { if: { stringEquals: 'a', value: 'b' } } : {}),
                    inputs: { path: 'step', arguments: [`S${index}`, ...spec.codes.map(String)] },
                  },
                ],
          ),
        ]);
        const present = phases.filter(([, steps]) => steps.length > 0);
        const result = await run([documentOf(Object.fromEntries(present))], { target });

        const expected = { status: 'success', executed: 0, failed: 0, ignored: 0 };
        const order = [
          ...specs.filter(({ phase }) => phase === 'build'),
          ...specs.filter(({ phase }) => phase === 'validate'),
        ];
        for (const { codes, onFailure, maxAttempts, skip } of order) {
          if (skip) continue;
          expected.executed++;
          if (codes.slice(0, maxAttempts).includes(0)) continue;
          if (onFailure === 'Ignore') {
            expected.ignored++;
            continue;
          }
          expected.failed++;
          expected.status = 'failed';
          if (onFailure === 'Abort') break;
        }
        assert.deepEqual(
          {
            status: result.status,
            executed: result.executedStepCount,
            failed: result.failedStepCount,
            ignored: result.ignoredFailedStepCount,
          },
          expected,
        );
        assert.equal(result.failureMessage, expected.failed === 0 ? '' : 'Document D.yaml failed!');
      }),
      { seed, numRuns: 25 },
    );
  }
});
