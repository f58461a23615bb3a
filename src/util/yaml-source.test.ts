import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ProblemList } from './problem-list.ts';
import { field, readBoolean, readInteger, readMap, readText, readWord } from './yaml-reader.ts';
import { parseYaml, type YamlNode, type YamlOptions } from './yaml-source.ts';

function parse(text: string, options?: YamlOptions): { root: YamlNode | undefined; problems: readonly string[] } {
  const list = new ProblemList('x.yaml');
  const root = parseYaml(text, list, options);
  return {
    root,
    problems: list.problems.map((problem) => `${problem.position.line}:${problem.position.column} ${problem.message}`),
  };
}

/** The node as a plain JavaScript value by YAML's core schema. */
function toPlain(node: YamlNode): unknown {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(toPlain);
  return Object.fromEntries(node.entries.map((entry) => [entry.key, toPlain(entry.value)]));
}

function value(text: string): unknown {
  const { root, problems } = parse(text);
  assert.deepEqual(problems, []);
  return root === undefined ? undefined : toPlain(root);
}

test('scalars keep the text of the source', () => {
  for (const text of ['0755', '1.0', '012345678901', 'true', '0x1F', '1e3', '2023-01-01']) {
    const { root } = parse(`key: ${text}`);
    assert.equal(root?.kind === 'map' && field(root, 'key')?.kind === 'scalar' && textOf(field(root, 'key')), text);
  }
});

test('quoted and block scalars are the strings they stand for', () => {
  assert.deepEqual(value("a: \"x\\ty\"\nb: 'it''s'\nc: |\n  one\n  two\nd: >-\n  one\n  two\n"), {
    a: 'x\ty',
    b: "it's",
    c: 'one\ntwo\n',
    d: 'one two',
  });
});

test('JSON is read as well', () => {
  assert.deepEqual(value('{"a": [1, true, null, "x"], "b": {}}'), { a: [1, true, null, 'x'], b: {} });
});

test('every node knows its place', () => {
  const { root } = parse('a:\n  - b: 1\n    c: [x, y]\n');
  assert.ok(root?.kind === 'map');
  const list = field(root, 'a');
  assert.ok(list?.kind === 'list');
  const item = list.items[0];
  assert.ok(item?.kind === 'map');
  assert.deepEqual(item.entries[1]?.keyPosition, { line: 3, column: 5 });
  assert.deepEqual(item.entries[1]?.value.position, { line: 3, column: 8 });
});

test('syntax errors have line, column and a sentence', () => {
  assert.deepEqual(parse('a:\n\t- b\n').problems, ['2:1 Tabs are not allowed as indentation.']);
  assert.deepEqual(parse('a: b: c').problems, ['1:4 Nested mappings are not allowed in compact mappings.']);
  assert.deepEqual(parse('a: 1\na: 2').problems, ["2:1 The key 'a' occurs twice in this map."]);
  assert.deepEqual(parse('').problems, ['1:1 The document is empty.']);
  assert.deepEqual(parse('a: 1\n---\nb: 1\n').problems, ['2:1 A second document begins here.']);
  assert.deepEqual(parse('a: {{ x }}').problems, ['1:5 A key of a map must be text.']);
  assert.deepEqual(parse('a: *b').problems, ['1:4 The alias *b has no anchor &b above it.']);
});

test('custom tags are refused, or passed through when asked', () => {
  const text = 'a: !Ref b\nc: !Sub [x, {y: 1}]\nd: !GetAtt {}\n';
  assert.equal(parse(text).problems.length, 3);
  const { root, problems } = parse(text, { customTags: true });
  assert.deepEqual(problems, []);
  assert.ok(root?.kind === 'map');
  assert.deepEqual(
    root.entries.map((entry) => entry.value.tag),
    ['!Ref', '!Sub', '!GetAtt'],
  );
  assert.equal(textOf(field(root, 'a')), 'b');
});

test('anchors, aliases and merge keys work', () => {
  assert.deepEqual(value('a: &x {p: 1, q: 2}\nb: *x\nc: {<<: *x, q: 3}\n'), {
    a: { p: 1, q: 2 },
    b: { p: 1, q: 2 },
    c: { q: 3, p: 1 },
  });
});

test('an alias bomb is refused', () => {
  const levels = 'bcdefghij';
  let text = 'a: &a [x,x,x,x,x,x,x,x,x]\n';
  let above = 'a';
  for (const name of levels) {
    text += `${name}: &${name} [${Array(9).fill(`*${above}`).join(',')}]\n`;
    above = name;
  }
  const { root, problems } = parse(text);
  assert.equal(root, undefined);
  assert.match(problems[0] ?? '', /too large/);
});

test('an alias within its own anchor is refused', () => {
  assert.match(parse('a: &a [*a]').problems[0] ?? '', /within its own anchor/);
});

test('nesting is limited, in flow and in block form, and through aliases', () => {
  for (const text of [
    '['.repeat(30_000),
    '{a: '.repeat(15_000),
    '- '.repeat(30_000),
    '? '.repeat(30_000),
    Array.from({ length: 100 }, (_, level) => `${' '.repeat(level)}a:\n`).join(''),
  ]) {
    const { problems } = parse(text);
    assert.match(problems[0] ?? '', /nested deeper|empty|must be text/);
  }
  let text = 'a0: &a0 [x]\n';
  for (let level = 1; level < 70; level++) text += `a${level}: &a${level} [*a${level - 1}]\n`;
  assert.match(parse(text).problems[0] ?? '', /nested deeper/);
});

test('size is limited in bytes of UTF-8', () => {
  assert.equal(parse(`a: ${'é'.repeat(40_000)}`).root, undefined);
  assert.notEqual(parse(`a: ${'é'.repeat(40_000)}`, { maxBytes: 100_000 }).root, undefined);
});

test('a map of many keys is read without comparing each with each', () => {
  const text = Array.from({ length: 8_000 }, (_, index) => `k${index}: 1`).join('\n');
  const { root } = parse(text, { maxBytes: 200_000 });
  assert.equal(root?.kind === 'map' && root.entries.length, 8_000);
});

test('readers explain what is wrong and what would be right', () => {
  const list = new ProblemList('x.yaml');
  const root = parseYaml('nmae: x\ncount: many\nflag: maybe\nword: abort\nempty:\n', list);
  assert.ok(root !== undefined);
  const map = readMap(root, 'step', list, { required: ['name'], optional: ['count', 'flag', 'word', 'empty'] });
  assert.ok(map !== undefined);
  for (const entry of map.entries) {
    if (entry.key === 'count') assert.equal(readInteger(entry.value, 'count', list), undefined);
    if (entry.key === 'flag') assert.equal(readBoolean(entry.value, 'flag', list), undefined);
    if (entry.key === 'word') assert.equal(readWord(entry.value, 'word', ['Abort', 'Ignore'], list), undefined);
    if (entry.key === 'empty') assert.equal(readText(entry.value, 'empty', list), undefined);
  }
  assert.throws(() => list.throwIfAny(), {
    message: [
      "x.yaml:1:1: Step has no key 'nmae'. (did you mean 'name'?)",
      "x.yaml:1:1: Step needs the key 'name'.",
      "x.yaml:2:8: Count must be a whole number, not 'many'.",
      "x.yaml:3:7: Flag must be true or false, not 'maybe'.",
      "x.yaml:4:7: Word cannot be 'abort'. (did you mean 'Abort'?)",
      'x.yaml:5:7: Empty has no value. (write "" for an empty text)',
    ].join('\n'),
  });
});

test('no text makes the parser throw, and a refused text has a problem', () => {
  const piece = fc.constantFrom(
    '- ',
    '? ',
    ': ',
    'a',
    '"',
    "'",
    '[',
    '{',
    '}',
    ']',
    ',',
    '\n',
    '  ',
    '\t',
    '&x ',
    '*x',
    '!t ',
    '|',
    '>',
    '#',
    '%',
    '---',
    '<<',
    '\u0000',
    '€',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(piece, { maxLength: 60 }).map((parts) => parts.join('')),
      ),
      (text) => {
        const { root, problems } = parse(text);
        assert.equal(root === undefined, problems.length > 0);
      },
    ),
    { numRuns: 500 },
  );
});

function textOf(node: YamlNode | undefined): string | undefined {
  return node?.kind === 'scalar' ? node.text : undefined;
}
