import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseFullYaml } from './full-yaml.ts';
import { readPlainYaml } from './plain-yaml.ts';
import { ProblemList } from './problem-list.ts';
import type { YamlNode } from './yaml-source.ts';

const LIMITS = { maxDepth: 40, maxNodes: 150_000 };

function plain(text: string): YamlNode | undefined {
  return readPlainYaml(text, LIMITS);
}

/** What the parser of all of YAML makes of it; its problems where it has some. */
function full(text: string): unknown {
  const problems = new ProblemList('x.yaml');
  const root = parseFullYaml(text, problems, { maxBytes: 1_000_000, maxDepth: 64, customTags: false });
  return root ?? problems.problems;
}

/** Whether the plain reader read it; fails when what it gives is not what all of YAML says. */
function agrees(text: string): boolean {
  const root = plain(text);
  if (root === undefined) return false;
  assert.deepEqual(root, full(text));
  return true;
}

test('what people write is read, and means what YAML says', () => {
  for (const text of [
    'a: 1\n',
    'a: 1',
    '\n# head\na: x # why\n\n# more\nb: y z\n#end',
    'a:\n  b:\n    c: d\n  e: f\ng: h\n',
    '- a\n- b: c\n  d: e\n-   - x\n    - y\n- \n  z: 1\n',
    'list:\n- a\n- b\nnext: c\n',
    'list:   # why\n  - a\n  # between\n  - b\n',
    'a: \'it\'\'s # no comment\'\nb: "a \\"b\\" \\\\ \\n \\t: x"   # yes\n',
    'a: |\n  one\n   two\n\n  # three\n\nb: |-\n\n    x\n  \n\n\n# c\nc: 1',
    '- |\n  x\n- y: |\n    z',
    'a: { b: 1, c: [x y, "z", -1, { d: e } ], f: {}, g: [] } # end\n',
    'a: -1\nb: +1.50\nc: 0755\nd: 1.0.0\ne: 012345678901\nf: ~\ng: Null\nh: TRUE\ni: false\nj: 1e\nk: 2023-01-01\nl: 5.',
    'Fn::Sub: a\na.b/c-d_e: f\n1: 2\n',
    'a: http://b:80/c#d?e=f&g[h]{i}\nb: x:y\nc: a - b\nd: $x\ne: -x\nf: é \u{1f600}\n',
  ]) {
    assert.ok(agrees(text), `declined: ${text}`);
  }
});

test('the documents of the examples are read, but for those that need all of YAML', () => {
  const files = globSync('examples/**/*.yaml', { cwd: join(import.meta.dirname, '../..') });
  const read = files.filter((file) => agrees(readFileSync(join(import.meta.dirname, '../..', file), 'utf8')));
  assert.ok(read.length > files.length / 2, `${read.length} of ${files.length}`);
});

test('everything else is left to the parser of all of YAML', () => {
  for (const text of [
    '',
    'text',
    '{ a: 1 }',
    'a: *b\n',
    'a: &b c\n',
    'a: !t b\n',
    '<<: { a: 1 }\n',
    'a: 1\na: 2\n',
    'a: { b: 1, b: 2 }\n',
    'a:\n',
    'a: b: c\n',
    'a: b\n  c\n',
    'a: "b\n  c"\n',
    'a: "b" c\n',
    'a: "b"#c\n',
    'a: "\\x41"\n',
    'a: >\n  b\n',
    'a: |2\n  b\n',
    'a: |+\n  b\n\n',
    'a: |\n    b\n  c\n',
    'a: |\n     \n  b\n',
    'a:\n\tb: c\n',
    'a: b\tc\n',
    'a: 1\r\nb: 2\r\n',
    '---\na: 1\n',
    'a: 1\n---\nb: 1\n',
    'a: 1\n...\n',
    '%YAML 1.2\n---\na: 1\n',
    '? a\n: b\n',
    'a: 1\n b: 2\n',
    '  a: 1\nb: 2\n',
    '- a\nb: 1\n',
    'a: [b\n',
    'a: [b,]\n',
    'a: [b: c]\n',
    'a: {{ x }}\n',
    'a: 0x1F\nb: .5\nc: 1e3\nd: .inf\n',
    `a: ${'['.repeat(41)}${']'.repeat(41)}\n`,
    `${'- '.repeat(41)}a\n`,
  ]) {
    assert.equal(plain(text), undefined, text);
  }
  assert.equal(readPlainYaml('- a\n'.repeat(5), { maxDepth: 5, maxNodes: 4 }), undefined);
});

const PLAIN_PIECES = [
  ...['a', 'b', 'key', 'two words', '1', '-1', '0755', '1.5', 'true', 'null', '~', 'x:y', 'é', '$x', '-x', 'v # note'],
  ...["'q'", "'it''s'", '"d"', '"e \\" \\n"', '[x, y]', '{ k: v }', '[]', '{}', '[a, [b], {c: d}]', '|', '|-', '# c'],
];
const ODD_PIECES = [
  ...['', '.', '-', '--', '"\\u0041"', '|+', '>', '&a', '*a', '!t', 'v#n', ': ', ':', ',', '@x', '`', '%', '?', '- x'],
  ...[
    'k: v',
    'k:',
    '- ',
    '---',
    '...',
    '\t',
    '{{ x }}',
    '{',
    ']',
    '"',
    "'",
    '\u0001',
    '\u00a0',
    '\ufeff',
    '0x1',
    '1e3',
  ],
];
const piece = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...PLAIN_PIECES) },
  { weight: 1, arbitrary: fc.constantFrom(...ODD_PIECES) },
);

/** Lines that look like YAML and often are. */
const line = fc
  .tuple(
    fc.constantFrom(0, 0, 0, 2, 2, 4, 1, 3),
    fc.constantFrom('', '', '', '- ', '- ', '-  ', '- - '),
    fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom('', 'a: ', 'b: ', 'c: ', 'd:  ', 'e.f: ', 'g:', 'h:') },
      { weight: 1, arbitrary: fc.constantFrom('"q": ', 'e : ', '<<: ') },
    ),
    piece,
    fc.constantFrom('', '', '', '', ' ', ' # c'),
  )
  .map(([spaces, ...parts]) => ' '.repeat(spaces) + parts.join(''));

/** Documents that are right, with all ways to write a value. */
const value: fc.Arbitrary<(indent: string) => string> = fc.letrec<{ value: (indent: string) => string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    piece.map((each) => () => ` ${each}\n`),
    fc
      .tuple(
        fc.constantFrom('|', '|-', '|+', '>'),
        fc.array(fc.constantFrom('x', ' y', '# z', '', 'k: v'), { minLength: 1 }),
      )
      .map(
        ([header, lines]) =>
          (indent: string) =>
            ` ${header}\n${lines.map((each) => `${indent}  ${each}\n`).join('')}`,
      ),
    fc
      .array(tie('value'), { minLength: 1, maxLength: 4 })
      .map((items) => (indent: string) => `\n${items.map((item) => `${indent}  -${item(`${indent}  `)}`).join('')}`),
    fc
      .array(tie('value'), { minLength: 1, maxLength: 4 })
      .map(
        (values) => (indent: string) =>
          `\n${values.map((each, index) => `${indent}  k${index}:${each(`${indent}  `)}`).join('')}`,
      ),
  ),
})).value;

test('random lines mean what YAML says, or are declined', () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 9 }), fc.constantFrom('', '\n'), (lines, end) => {
      agrees(lines.join('\n') + end);
    }),
    { numRuns: 3_000, seed: 20_261_129 },
  );
});

test('random documents, and ones with a random change, mean what YAML says, or are declined', () => {
  fc.assert(
    fc.property(
      value,
      fc.nat(),
      fc.constantFrom('', ...PLAIN_PIECES, ...ODD_PIECES, '\n', ' ', '  ', '\r'),
      (made, at, change) => {
        const text = `root:${made('')}next: 1\n`;
        const place = at % text.length;
        agrees(text);
        agrees(text.slice(0, place) + change + text.slice(place));
        agrees(text.slice(0, place) + text.slice(place + 1));
      },
    ),
    { numRuns: 1_000, seed: 20_261_129 },
  );
});
