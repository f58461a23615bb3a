import { parseFullYaml } from './full-yaml.ts';
import { readPlainYaml } from './plain-yaml.ts';
import type { SourcePosition } from './problem.ts';
import type { ProblemList } from './problem-list.ts';

/**
 * YAML 1.2 (and with it JSON) as people wrote it: every node knows its place, and a scalar keeps the text of the source,
 * so that `0755`, `1.0` and `012345678901` are still there for fields that are strings.
 */
export type YamlNode = YamlScalar | YamlList | YamlMap;

interface NodeBase {
  readonly position: SourcePosition;
  /** A custom tag such as `!Ref`, with its exclamation mark; only where {@link YamlOptions.customTags} lets it through. */
  readonly tag: string | undefined;
}

export interface YamlScalar extends NodeBase {
  readonly kind: 'scalar';
  /** What was written: of a plain scalar the source text, of a quoted or block scalar the string it stands for. */
  readonly text: string;
  /** What YAML's core schema makes of it; a quoted scalar is always a string. */
  readonly value: string | number | boolean | null;
}

export interface YamlList extends NodeBase {
  readonly kind: 'list';
  readonly items: readonly YamlNode[];
}

export interface YamlMap extends NodeBase {
  readonly kind: 'map';
  /** In the order of the source; keys are unique. Merge keys (`<<`) are already merged, after the map's own entries. */
  readonly entries: readonly YamlEntry[];
}

export interface YamlEntry {
  readonly key: string;
  readonly keyPosition: SourcePosition;
  readonly value: YamlNode;
}

export interface YamlOptions {
  /** UTF-8 bytes that the source may have. Default 64 KiB. */
  readonly maxBytes?: number;
  /** Levels that lists and maps may be nested. Default 64. */
  readonly maxDepth?: number;
  /** Lets local tags (`!Sub`, `!GetAtt`) through instead of refusing them. Default false. */
  readonly customTags?: boolean;
}

const DEFAULT_MAX_BYTES = 64 * 1024;
const DEFAULT_MAX_DEPTH = 64;
/** Deeper and larger ones are for the parser of all of YAML, which refuses them with a reason. */
const PLAIN = { maxDepth: 40, maxNodes: 150_000 };

/**
 * Parses one document. Every syntax error, hostile or honest, becomes a problem; the result is then undefined and there
 * is nothing to read on. Aliases are resolved to the (shared) node they name.
 */
export function parseYaml(text: string, problems: ProblemList, options: YamlOptions = {}): YamlNode | undefined {
  const maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
  const maxDepth = options.maxDepth ?? DEFAULT_MAX_DEPTH;
  const bytes = Buffer.byteLength(text);
  if (bytes > maxBytes) {
    problems.add({ line: 1, column: 1 }, `The document has ${bytes} bytes; at most ${maxBytes} are allowed.`);
    return undefined;
  }
  return (
    readPlainYaml(text, { ...PLAIN, maxDepth: Math.min(maxDepth, PLAIN.maxDepth) }) ??
    parseFullYaml(text, problems, { maxBytes, maxDepth, customTags: options.customTags ?? false })
  );
}
