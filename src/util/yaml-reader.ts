import { didYouMean, type SourcePosition } from './problem.ts';
import type { ProblemList } from './problem-list.ts';
import type { YamlList, YamlMap, YamlNode } from './yaml-source.ts';

/*
 * Reading a YAML tree field by field: each function gives the value, or adds a problem and gives undefined. `what` is
 * what messages call the place, e.g. `timeoutSeconds` or `step 'Install'`.
 */

/** The keys that a map may have. */
export interface MapKeys {
  readonly required: readonly string[];
  readonly optional: readonly string[];
}

/** A map whose keys are all known and whose required keys are all there; the map is given in spite of key problems. */
export function readMap(node: YamlNode, what: string, problems: ProblemList, keys?: MapKeys): YamlMap | undefined {
  if (node.kind !== 'map') return wrongType(node, what, 'a map', problems);
  if (keys !== undefined) checkKeys(node, what, keys, problems);
  return node;
}

export function readList(node: YamlNode, what: string, problems: ProblemList): YamlList | undefined {
  return node.kind === 'list' ? node : wrongType(node, what, 'a list', problems);
}

/** The text of a scalar as it was written: `0755` is `'0755'`. `key:` with nothing behind it is a problem. */
export function readText(node: YamlNode, what: string, problems: ProblemList): string | undefined {
  if (node.kind !== 'scalar') return wrongType(node, what, 'text', problems);
  if (node.value === null) {
    problems.add(node.position, `${capital(what)} has no value.`, 'write "" for an empty text');
    return undefined;
  }
  return node.text;
}

/** A whole number in decimal; a quoted one counts too. */
export function readInteger(node: YamlNode, what: string, problems: ProblemList): number | undefined {
  if (node.kind !== 'scalar') return wrongType(node, what, 'a whole number', problems);
  const value = /^[-+]?\d{1,15}$/.test(node.text) ? Number(node.text) : Number.NaN;
  if (Number.isNaN(value)) return wrongType(node, what, 'a whole number', problems);
  return value;
}

/** `true` or `false`, in any of YAML's spellings; a quoted one counts too. */
export function readBoolean(node: YamlNode, what: string, problems: ProblemList): boolean | undefined {
  if (node.kind === 'scalar' && /^true$/i.test(node.text)) return true;
  if (node.kind === 'scalar' && /^false$/i.test(node.text)) return false;
  return wrongType(node, what, 'true or false', problems);
}

/** One of a set of words, in exactly this spelling. */
export function readWord<Word extends string>(
  node: YamlNode,
  what: string,
  words: readonly Word[],
  problems: ProblemList,
): Word | undefined {
  const text = readText(node, what, problems);
  if (text === undefined) return undefined;
  const word = words.find((candidate) => candidate === text);
  if (word === undefined) {
    problems.add(node.position, `${capital(what)} cannot be '${shorten(text)}'.`, suggestion(text, words));
  }
  return word;
}

/** The value of a key, or undefined when the map does not have it. */
export function field(map: YamlMap, key: string): YamlNode | undefined {
  return map.entries.find((entry) => entry.key === key)?.value;
}

/** Where a key stands in its map, or the map itself when it is not there. */
export function keyPosition(map: YamlMap, key: string): SourcePosition {
  return map.entries.find((entry) => entry.key === key)?.keyPosition ?? map.position;
}

/** Adds a problem for every key that is unknown or missing. */
export function checkKeys(map: YamlMap, what: string, keys: MapKeys, problems: ProblemList): void {
  const known = [...keys.required, ...keys.optional];
  const present = new Set(map.entries.map((entry) => entry.key));
  for (const entry of map.entries) {
    if (known.includes(entry.key)) continue;
    const message = `${capital(what)} has no key '${shorten(entry.key)}'.`;
    const free = known.filter((key) => !present.has(key));
    problems.add(entry.keyPosition, message, suggestion(entry.key, free, known));
  }
  for (const key of keys.required) {
    if (!present.has(key)) problems.add(map.position, `${capital(what)} needs the key '${key}'.`);
  }
}

/** Adds the problem that a node is of the wrong kind, with what it is instead. */
export function wrongType(node: YamlNode, what: string, expected: string, problems: ProblemList): undefined {
  problems.add(node.position, `${capital(what)} must be ${expected}, not ${describe(node)}.`);
  return undefined;
}

/** "did you mean x", or what is allowed: the hint for a word that is not known. */
export function suggestion(word: string, candidates: readonly string[], allowed = candidates): string {
  const near = didYouMean(word, candidates);
  if (near !== undefined) return `did you mean '${near}'?`;
  return allowed.length === 0 ? 'there are none' : `allowed: ${allowed.join(', ')}`;
}

function describe(node: YamlNode): string {
  if (node.kind === 'list') return 'a list';
  if (node.kind === 'map') return 'a map';
  return node.value === null ? 'empty' : `'${shorten(node.text)}'`;
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
