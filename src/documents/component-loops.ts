import type { ProblemList } from '../util/problem-list.ts';
import { field, keyPosition, readInteger, readMap, readText, wrongType } from '../util/yaml-reader.ts';
import type { YamlMap, YamlNode } from '../util/yaml-source.ts';
import type { StepLoop } from './component.ts';

/** Delimiters of `forEach.list`. */
export const DELIMITERS = ['.', ',', ';', ':', '\n', '\t', ' ', '-', '_'] as const;

/** Iterations that a `for` loop may have: none is named by AWS, and a document must not run for ever. */
const MAX_ITERATIONS = 100_000;

/** Reads `loop` of a step. Source: EC2 Image Builder User Guide, "Use looping constructs in AWSTOE". */
export function readLoop(node: YamlNode, problems: ProblemList): StepLoop | undefined {
  const map = readMap(node, 'loop', problems, { required: [], optional: ['name', 'for', 'forEach'] });
  if (map === undefined) return undefined;
  const nameNode = field(map, 'name');
  const name = nameNode === undefined ? '' : readText(nameNode, 'the name of the loop', problems);
  if (name !== undefined && !/^[A-Za-z0-9_-]*$/.test(name)) {
    problems.add(
      nameNode?.position ?? map.position,
      `The loop cannot be called '${name}'.`,
      'letters, digits, - and _ are allowed',
    );
  }
  const forNode = field(map, 'for');
  const forEachNode = field(map, 'forEach');
  if ((forNode === undefined) === (forEachNode === undefined)) {
    problems.add(map.position, 'A loop needs exactly one of the keys for and forEach.');
    return undefined;
  }
  if (name === undefined) return undefined;
  if (forNode !== undefined) return readFor(forNode, name, problems);
  return forEachNode === undefined ? undefined : readForEach(forEachNode, name, problems);
}

function readFor(node: YamlNode, name: string, problems: ProblemList): StepLoop | undefined {
  const map = readMap(node, 'for', problems, { required: ['start', 'end', 'updateBy'], optional: [] });
  if (map === undefined) return undefined;
  const start = readNumber(map, 'start', problems);
  const end = readNumber(map, 'end', problems);
  const updateBy = readNumber(map, 'updateBy', problems);
  if (start === undefined || end === undefined || updateBy === undefined) return undefined;
  if (updateBy === 0 || (end - start) * updateBy < 0) {
    problems.add(keyPosition(map, 'updateBy'), `A loop from ${start} to ${end} by ${updateBy} never ends.`);
    return undefined;
  }
  const count = Math.floor((end - start) / updateBy) + 1;
  if (count > MAX_ITERATIONS) {
    problems.add(map.position, `The loop has ${count} iterations; at most ${MAX_ITERATIONS} are allowed.`);
    return undefined;
  }
  return { kind: 'for', name, start, end, updateBy };
}

function readNumber(map: YamlMap, key: string, problems: ProblemList): number | undefined {
  const node = field(map, key);
  return node === undefined ? undefined : readInteger(node, key, problems);
}

function readForEach(node: YamlNode, name: string, problems: ProblemList): StepLoop | undefined {
  if (node.kind === 'list') {
    if (node.items.length === 0) return wrongType(node, 'forEach', 'a list of at least one item', problems);
    const items = node.items.map((item) => readText(item, 'an item of forEach', problems));
    return items.every((item) => item !== undefined) ? { kind: 'items', name, items } : undefined;
  }
  if (node.kind === 'scalar')
    return wrongType(node, 'forEach', "a list, or a map with 'list' and 'delimiter'", problems);
  const map = readMap(node, 'forEach', problems, { required: ['list'], optional: ['delimiter'] });
  if (map === undefined) return undefined;
  const listNode = field(map, 'list');
  const list = listNode === undefined ? undefined : readText(listNode, 'list', problems);
  const delimiterNode = field(map, 'delimiter');
  const delimiter = delimiterNode === undefined ? ',' : readText(delimiterNode, 'delimiter', problems);
  if (delimiter !== undefined && !DELIMITERS.some((allowed) => allowed === delimiter)) {
    problems.add(
      delimiterNode?.position ?? map.position,
      `The delimiter cannot be ${JSON.stringify(delimiter)}.`,
      `allowed: ${DELIMITERS.map((allowed) => JSON.stringify(allowed)).join(' ')}`,
    );
    return undefined;
  }
  return list === undefined || delimiter === undefined ? undefined : { kind: 'list', name, list, delimiter };
}
