import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  expressionsOf,
  parseText,
  resolveText,
  resolveValue,
  UnresolvedExpressionError,
} from './component-expressions.ts';

function referenceOf(text: string): unknown {
  return expressionsOf(text)[0]?.reference;
}

test('every form of reference is known', () => {
  assert.deepEqual(referenceOf('{{ Mode }}'), { kind: 'name', name: 'Mode' });
  assert.deepEqual(referenceOf('{{build.Get.outputs.stdout}}'), {
    kind: 'chain',
    phase: 'build',
    step: 'Get',
    from: 'outputs',
    index: undefined,
    variable: 'stdout',
  });
  assert.deepEqual(referenceOf('{{ build.Get.inputs[12].destination }}'), {
    kind: 'chain',
    phase: 'build',
    step: 'Get',
    from: 'inputs',
    index: 12,
    variable: 'destination',
  });
  assert.deepEqual(referenceOf('{{ loop.value }}'), { kind: 'loop', loop: 'loop', variable: 'value' });
  assert.deepEqual(referenceOf('{{ pkg.index }}'), { kind: 'loop', loop: 'pkg', variable: 'index' });
  assert.deepEqual(referenceOf('{{ env:ProgramFiles(x86) }}'), { kind: 'env', name: 'ProgramFiles(x86)' });
  assert.deepEqual(referenceOf('{{ context:osName }}'), { kind: 'context', key: 'osName' });
  assert.deepEqual(referenceOf('{{ aws:ssm:/a/b }}'), { kind: 'ssm', name: '/a/b' });
  assert.deepEqual(referenceOf('{{ aws:imds:placement/region }}'), { kind: 'imds', path: 'placement/region' });
});

test('what looks like a reference and is none is told from other template languages', () => {
  for (const text of ['{{ build.Get.output.stdout }}', '{{ a.b.c }}', '{{ aws:s3 }}', '{{ build.Get.outputs[x].y }}']) {
    assert.deepEqual(referenceOf(text), { kind: 'malformed' }, text);
  }
  for (const text of [
    '{{ .Name }}',
    '{{ a | upper }}',
    '{{ "x" }}',
    '{{}}',
    '{{',
    '}}',
    '{{ x',
    '{ { x } }',
    '{{ a\nb }}',
  ]) {
    assert.deepEqual(parseText(text), [text], text);
  }
});

test('several expressions in one text are replaced, also beside other braces', () => {
  const lookup = (): string => 'V';
  assert.equal(resolveText('a {{ x }}{{y}} b', lookup), 'a VV b');
  assert.equal(resolveText('{{{ x }}}', lookup), '{V}');
  assert.equal(resolveText('}} {{ {{ x }} }}', lookup), '}} {{ V }}');
});

test('a substituted value is not scanned again', () => {
  assert.equal(
    resolveText('{{ a }}{{ b }}', () => '{{ a }}'),
    '{{ a }}{{ a }}',
  );
});

test('an expression without a value stays as it is written', () => {
  assert.equal(
    resolveText('x{{  loop.value }}', () => undefined),
    'x{{  loop.value }}',
  );
});

test('resolution reaches every depth and leaves other types alone', () => {
  assert.deepEqual(
    resolveValue({ a: ['{{ x }}', 1, true], '{{ x }}': { b: '{{ x }}' } }, () => 'V'),
    { a: ['V', 1, true], '{{ x }}': { b: 'V' } },
  );
});

test('a text that grows without measure is refused', () => {
  const huge = 'x'.repeat(100_000);
  assert.throws(() => resolveText('{{ a }}'.repeat(20), () => huge), UnresolvedExpressionError);
});

test('without expressions the text comes back as it was, whatever it is', () => {
  const piece = fc.constantFrom(
    '{{',
    '}}',
    '{',
    '}',
    ' ',
    'a',
    '.',
    'b.c.outputs.d',
    'env:',
    'loop.value',
    '\n',
    '[0]',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(piece, { maxLength: 40 }).map((parts) => parts.join('')),
      ),
      (text) => {
        const parts = parseText(text);
        assert.equal(parts.map((part) => (typeof part === 'string' ? part : part.source)).join(''), text);
        assert.equal(
          resolveText(text, () => undefined),
          text,
        );
      },
    ),
    { numRuns: 1000 },
  );
});

test('hostile braces take linear time', () => {
  for (const text of ['{{'.repeat(500_000), '}}'.repeat(500_000), '{{a'.repeat(300_000), '{{ a }}'.repeat(140_000)]) {
    assert.ok(parseText(text).length > 0);
  }
});
