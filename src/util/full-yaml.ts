import { Composer, type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Pair } from 'yaml';
import type { SourcePosition } from './problem.ts';
import type { ProblemList } from './problem-list.ts';
import type { YamlEntry, YamlList, YamlMap, YamlNode, YamlOptions, YamlScalar } from './yaml-source.ts';
import { explainSyntaxError, type ParsedTokens, parseTokens } from './yaml-syntax.ts';

/** Aliases share nodes, but whoever walks the tree meets each as often as it is used: this bounds the walk. */
const MAX_EXPANSION = 10;

/** All of YAML, and what is wrong with a text that is none; see `parseYaml`, which has looked at the size. */
export function parseFullYaml(
  text: string,
  problems: ProblemList,
  { maxBytes, maxDepth, customTags }: Required<YamlOptions>,
): YamlNode | undefined {
  const start = { line: 1, column: 1 };
  const lines = new LineCounter();
  const documents = compose(text, maxDepth, lines);
  if ('tooMany' in documents) {
    const hint = 'split it: ExecuteDocument runs a document from another';
    problems.add(documents.tooMany, 'The document has too many lists, maps and values up to here.', hint);
    return undefined;
  }
  if ('tooDeep' in documents) {
    problems.add(documents.tooDeep, `Lists and maps are nested deeper than ${maxDepth} levels.`);
    return undefined;
  }
  const place = placesIn(lines.lineStarts);
  const before = problems.count;
  if (documents.length === 0) {
    problems.add(start, 'The document is empty.', 'a YAML or JSON map is expected');
    return undefined;
  }
  for (const document of documents) {
    for (const error of document.errors)
      problems.add(place(error.pos[0]), ...explainSyntaxError(error.code, error.message));
  }
  const second = documents[1];
  if (second !== undefined && problems.count === before) {
    problems.add(
      place(second.range[0]),
      'A second document begins here.',
      'one file holds one document: remove the `---`',
    );
  }
  if (problems.count > before) return undefined;
  const root = documents[0]?.contents ?? null;
  const conversion: Conversion = {
    place,
    problems,
    customTags,
    maxDepth,
    maxWeight: maxBytes * MAX_EXPANSION,
    anchors: new Map(),
    measures: new WeakMap(),
  };
  const node = root === null ? scalarOf('', null, start) : convert(root, start, conversion);
  return problems.count > before ? undefined : node;
}

/** Gives line and column of an offset. Offsets come in the order of the text, nearly: the line before is where it looks. */
function placesIn(starts: readonly number[]): (offset: number) => SourcePosition {
  let index = 0;
  const start = (of: number): number => starts[of] ?? 0;
  return (offset) => {
    while (index > 0 && start(index) > offset) index--;
    while (index + 1 < starts.length && start(index + 1) <= offset) index++;
    return { line: index + 1, column: offset - start(index) + 1 };
  };
}

/** A function of its own: the tokens of a large document must be gone before it is converted. */
function compose(
  text: string,
  maxDepth: number,
  lines: LineCounter,
): readonly Document.Parsed[] | Exclude<ParsedTokens, { readonly tokens: unknown }> {
  const parsed = parseTokens(text, maxDepth, lines.addNewLine);
  if (!('tokens' in parsed)) return parsed;
  const composer = new Composer({
    prettyErrors: false,
    logLevel: 'silent',
    // Comparing every key with every other takes seconds for a hostile map; the conversion below does it with a set.
    uniqueKeys: false,
  });
  return [...composer.compose(parsed.tokens)];
}

interface Conversion {
  readonly place: (offset: number) => SourcePosition;
  readonly problems: ProblemList;
  readonly customTags: boolean;
  readonly maxDepth: number;
  readonly maxWeight: number;
  /** Undefined while the anchored node is still being converted: an alias to it would be endless. */
  readonly anchors: Map<string, YamlNode | undefined>;
  readonly measures: WeakMap<YamlNode, Measure>;
}

/** Size of a node with every alias below it written out. */
interface Measure {
  readonly weight: number;
  readonly depth: number;
}

function convert(source: unknown, fallback: SourcePosition, conversion: Conversion): YamlNode {
  const position = positionOf(source, fallback, conversion);
  if (isAlias(source)) return resolveAlias(source.source, position, conversion);
  const anchor = isScalar(source) || isMap(source) || isSeq(source) ? source.anchor : undefined;
  if (anchor !== undefined) conversion.anchors.set(anchor, undefined);
  const node = convertOwn(source, position, conversion);
  if (node.kind !== 'scalar') measure(node, conversion);
  if (anchor !== undefined) conversion.anchors.set(anchor, node);
  return node;
}

function convertOwn(source: unknown, position: SourcePosition, conversion: Conversion): YamlNode {
  if (isSeq(source)) {
    const tag = checkTag(source.tag, position, conversion);
    return { kind: 'list', position, tag, items: source.items.map((item) => convert(item, position, conversion)) };
  }
  if (isMap(source)) {
    const tag = checkTag(source.tag, position, conversion);
    return { kind: 'map', position, tag, entries: convertEntries(source.items, position, conversion) };
  }
  if (!isScalar(source)) return scalarOf('', null, position);
  const value = source.value;
  const plain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
  const text = source.source ?? (plain === null ? '' : String(plain));
  return { kind: 'scalar', position, tag: checkTag(source.tag, position, conversion), text, value: plain };
}

function convertEntries(pairs: readonly Pair[], within: SourcePosition, conversion: Conversion): readonly YamlEntry[] {
  const { problems } = conversion;
  const entries = new Map<string, YamlEntry>();
  const merged: YamlEntry[] = [];
  for (const pair of pairs) {
    const keyPosition = positionOf(pair.key, within, conversion);
    const keyNode = isAlias(pair.key) ? convert(pair.key, keyPosition, conversion) : undefined;
    const key = isScalar(pair.key)
      ? (pair.key.source ?? String(pair.key.value))
      : keyNode?.kind === 'scalar'
        ? keyNode.text
        : undefined;
    if (key === undefined) {
      problems.add(keyPosition, 'A key of a map must be text.', 'quote a value that begins with braces: "{{ name }}"');
      continue;
    }
    const value = convert(pair.value, keyPosition, conversion);
    if (key === '<<' && isScalar(pair.key) && pair.key.type === 'PLAIN') {
      merged.push(...mergeSources(value, conversion));
    } else if (entries.has(key)) {
      problems.add(keyPosition, `The key '${key}' occurs twice in this map.`, 'remove one of the two');
    } else {
      entries.set(key, { key, keyPosition, value });
    }
  }
  for (const entry of merged) if (!entries.has(entry.key)) entries.set(entry.key, entry);
  return [...entries.values()];
}

function mergeSources(value: YamlNode, { problems }: Conversion): readonly YamlEntry[] {
  if (value.kind === 'map') return value.entries;
  const maps = value.kind === 'list' ? value.items : [];
  if (maps.length === 0 || !maps.every((item) => item.kind === 'map')) {
    problems.add(value.position, "The value of '<<' must be a map or a list of maps.");
  }
  return maps.flatMap((item) => (item.kind === 'map' ? item.entries : []));
}

function resolveAlias(name: string, position: SourcePosition, conversion: Conversion): YamlNode {
  const node = conversion.anchors.get(name);
  if (node === undefined) {
    const inside = conversion.anchors.has(name);
    conversion.problems.add(
      position,
      inside ? `The alias *${name} is within its own anchor.` : `The alias *${name} has no anchor &${name} above it.`,
      inside ? undefined : 'quote the value if it is text',
    );
    return scalarOf('', null, position);
  }
  return node;
}

function checkTag(
  tag: string | undefined,
  position: SourcePosition,
  { customTags, problems }: Conversion,
): string | undefined {
  if (tag === undefined || CORE_TAG.test(tag)) return undefined;
  if (!customTags || !tag.startsWith('!')) problems.add(position, `The tag '${tag}' is not known here.`);
  return tag;
}

const CORE_TAG = /^(!|tag:yaml\.org,2002:(str|int|float|bool|null|map|seq))$/;

/** Refuses what aliases make too big or too deep, once for the node where it happens. */
function measure(node: YamlList | YamlMap, conversion: Conversion): void {
  let weight = 1;
  let depth = 1;
  const add = (child: YamlNode): void => {
    // Most nodes are scalars: a map from every one of them would take more than the nodes.
    const known = child.kind === 'scalar' ? undefined : conversion.measures.get(child);
    weight += known?.weight ?? 1 + (child.kind === 'scalar' ? child.text.length : 0);
    depth = Math.max(depth, 1 + (known?.depth ?? 0));
  };
  if (node.kind === 'list') for (const item of node.items) add(item);
  else for (const entry of node.entries) add(entry.value);
  const { maxDepth, maxWeight, problems } = conversion;
  if (weight > maxWeight) {
    problems.add(node.position, 'The aliases below here make the document too large.');
    weight = 1;
  }
  if (depth > maxDepth) {
    problems.add(node.position, `Lists and maps are nested deeper than ${maxDepth} levels.`);
    depth = 0;
  }
  conversion.measures.set(node, { weight, depth });
}

function positionOf(source: unknown, fallback: SourcePosition, { place }: Conversion): SourcePosition {
  if (isScalar(source) || isMap(source) || isSeq(source) || isAlias(source)) {
    return source.range ? place(source.range[0]) : fallback;
  }
  return fallback;
}

function scalarOf(text: string, value: YamlScalar['value'], position: SourcePosition): YamlScalar {
  return { kind: 'scalar', position, tag: undefined, text, value };
}
