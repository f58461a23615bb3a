import type { SourcePosition } from './problem.ts';
import type { YamlEntry, YamlNode, YamlScalar } from './yaml-source.ts';

export interface PlainYamlLimits {
  /** Levels that lists and maps may be nested. */
  readonly maxDepth: number;
  /** Nodes that a document may have; some 250 bytes of memory each. */
  readonly maxNodes: number;
}

/**
 * Reads YAML as most of it is written, a tenth of the time and memory that a parser of all of YAML takes: block maps and
 * lists, words, quoted text in one line, `|` blocks, `[…]` and `{…}` in one line, comments.
 *
 * Declines, by undefined, whatever is not written like that or is wrong in any way: what a document means and what is
 * wrong with it is said by the parser of all of YAML alone, and this one must say the same or nothing
 * (`plain-yaml.test.ts` compares them). So there are no anchors, tags, duplicate keys or problems in what it gives.
 */
export function readPlainYaml(text: string, limits: PlainYamlLimits): YamlNode | undefined {
  if (STRANGE.test(text)) return undefined;
  return new PlainReader(text, limits).read();
}

/** Tabs before content are looked for where they matter. Line ends of Windows, byte order marks and control characters. */
const STRANGE = /[\u0000-\u0008\u000b-\u001f\u007f\u0085\u2028\u2029\ufeff\ufffe\uffff]/;

/** A word, a colon, and then a space or the end of the line. */
const KEY = /([A-Za-z0-9_$][\w.:/$-]{0,500}?):(?=[ \n]|$)/y;
/** What has a meaning of its own at the beginning of a value, and a minus sign where none of a number or a word is. */
const INDICATOR = /[&*!>%@`#,\]}?:]|-(?![0-9A-Za-z])/y;
const SINGLE_QUOTED = /'((?:[^'\n]|'')*)'/y;
const DOUBLE_QUOTED = /"((?:[^"\\\n]|\\[\\"/nt])*)"/y;
const BLOCK_HEADER = /\|(-?) *(?=\n)/y;
/** Nothing more, or a comment. */
const REST_OF_LINE = /(?: *| +#[^\n]*)(?=\n|$)/y;
/** A value within `[…]` or `{…}`. */
const FLOW_WORD = /(?:[A-Za-z0-9_./$+]|-(?=[0-9A-Za-z]))[^\s,[\]{}#:"'&*!|>%@`?]*(?: +[^\s,[\]{}#:"'&*!|>%@`?]+)*/y;
const FLOW_KEY = /([A-Za-z0-9_$][\w.$-]{0,500}): +/y;
const SPACES = / */y;

const ESCAPED: Readonly<Record<string, string>> = { '\\': '\\', '"': '"', '/': '/', n: '\n', t: '\t' };

class PlainReader {
  readonly #text: string;
  readonly #limits: PlainYamlLimits;
  /** The line that is read: its number, where it begins and ends, and its content; `indent` is -1 behind the last. */
  #line = 0;
  #lineStart = 0;
  #end = -1;
  #start = 0;
  #indent = 0;
  #nodes = 0;
  #depth = 0;

  constructor(text: string, limits: PlainYamlLimits) {
    this.#text = text;
    this.#limits = limits;
  }

  read(): YamlNode | undefined {
    const root = this.#next() && this.#indent === 0 ? this.#block() : undefined;
    return this.#isAtEnd() ? root : undefined;
  }

  /** Goes to the next line with content; false where it is none for us. */
  #next(): boolean {
    const text = this.#text;
    for (;;) {
      if (this.#end >= text.length) {
        this.#indent = -1;
        return true;
      }
      this.#line++;
      this.#lineStart = this.#end + 1;
      this.#end = endOfLine(text, this.#lineStart);
      this.#start = this.#after(SPACES, this.#lineStart);
      this.#indent = this.#start - this.#lineStart;
      if (this.#start === this.#end) continue;
      const first = text[this.#start];
      if (first === '#') continue;
      if (first === '\t') return false;
      return this.#indent > 0 || !(text.startsWith('---', this.#start) || text.startsWith('...', this.#start));
    }
  }

  #isAtEnd(): boolean {
    return this.#indent === -1;
  }

  #after(pattern: RegExp, at: number): number {
    pattern.lastIndex = at;
    return pattern.test(this.#text) ? pattern.lastIndex : -1;
  }

  #match(pattern: RegExp, at: number): string | undefined {
    pattern.lastIndex = at;
    return pattern.exec(this.#text)?.[1];
  }

  #place(offset: number): SourcePosition {
    return { line: this.#line, column: offset - this.#lineStart + 1 };
  }

  #isItem(): boolean {
    const { [this.#start]: first, [this.#start + 1]: second } = this.#text;
    return first === '-' && (second === ' ' || second === '\n' || second === undefined);
  }

  /** A list or a map that begins at the content of the line. */
  #block(): YamlNode | undefined {
    if (++this.#depth > this.#limits.maxDepth) return undefined;
    const node = this.#isItem() ? this.#list() : this.#map();
    this.#depth--;
    return node;
  }

  #list(): YamlNode | undefined {
    const indent = this.#indent;
    const position = this.#place(this.#start);
    const items: YamlNode[] = [];
    while (this.#indent === indent && this.#isItem()) {
      const item = this.#item(indent);
      if (item === undefined || this.#indent > indent || ++this.#nodes > this.#limits.maxNodes) return undefined;
      items.push(item);
    }
    return { kind: 'list', position, tag: undefined, items };
  }

  #item(indent: number): YamlNode | undefined {
    const at = this.#after(SPACES, this.#start + 1);
    if (this.#isEmpty(at)) return this.#next() && this.#indent > indent ? this.#block() : undefined;
    this.#start = at;
    if (!this.#isItem() && this.#match(KEY, at) === undefined) return this.#value(at, indent);
    // A list or map in the line of the dash: it stands where its first item does.
    this.#indent = at - this.#lineStart;
    return this.#block();
  }

  #map(): YamlNode | undefined {
    const indent = this.#indent;
    const position = this.#place(this.#start);
    const entries: YamlEntry[] = [];
    const keys = new Set<string>();
    while (this.#indent === indent) {
      const key = this.#match(KEY, this.#start);
      if (key === undefined || keys.has(key)) return undefined;
      keys.add(key);
      const keyPosition = this.#place(this.#start);
      const value = this.#valueOfKey(this.#start + key.length + 1, indent);
      if (value === undefined || this.#indent > indent || ++this.#nodes > this.#limits.maxNodes) return undefined;
      entries.push({ key, keyPosition, value });
    }
    return { kind: 'map', position, tag: undefined, entries };
  }

  #valueOfKey(behind: number, indent: number): YamlNode | undefined {
    const at = this.#after(SPACES, behind);
    if (!this.#isEmpty(at)) return this.#value(at, indent);
    if (!this.#next()) return undefined;
    // The dashes of a list may stand below the key.
    return this.#indent > indent || (this.#indent === indent && this.#isItem()) ? this.#block() : undefined;
  }

  /** Whether the line ends here, but for a comment. */
  #isEmpty(at: number): boolean {
    return at === this.#end || (this.#text[at] === '#' && this.#text[at - 1] === ' ');
  }

  /** A value that begins in this line; what holds it is indented by so much. The next line is the one behind it. */
  #value(at: number, indent: number): YamlNode | undefined {
    const first = this.#text[at];
    if (first === '|') return this.#literal(at, indent);
    const value = first === '[' || first === '{' ? this.#flowLine(at) : this.#scalar(at, first);
    // A deeper line would go on with the value.
    return value !== undefined && this.#next() && this.#indent <= indent ? value : undefined;
  }

  #scalar(at: number, first: string | undefined): YamlNode | undefined {
    const position = this.#place(at);
    if (first === "'" || first === '"') {
      const text = this.#match(first === "'" ? SINGLE_QUOTED : DOUBLE_QUOTED, at);
      if (text === undefined) return undefined;
      if (this.#after(REST_OF_LINE, at + text.length + 2) === -1) return undefined;
      return scalarOf(first === "'" ? text.replaceAll("''", "'") : withoutEscapes(text), position);
    }
    if (this.#after(INDICATOR, at) !== -1) return undefined;
    const line = this.#text.slice(at, this.#end);
    const comment = line.indexOf(' #');
    let length = comment === -1 ? line.length : comment;
    // Only spaces: others, such as those that do not break, are text.
    while (line[length - 1] === ' ') length--;
    const text = line.slice(0, length);
    if (text.includes(': ') || text.endsWith(':') || line.includes('\t')) return undefined;
    return wordOf(text, position);
  }

  #literal(at: number, indent: number): YamlNode | undefined {
    const position = this.#place(at);
    const strip = this.#match(BLOCK_HEADER, at);
    if (strip === undefined) return undefined;
    const text = this.#text;
    const lines: string[] = [];
    let own = -1;
    let filled = 0;
    let widest = 0;
    let begin = this.#end + 1;
    for (; begin < text.length; begin = this.#end + 1) {
      const end = endOfLine(text, begin);
      const content = this.#after(SPACES, begin);
      const spaces = content - begin;
      if (content === end) {
        widest = Math.max(widest, spaces);
        lines.push('');
      } else {
        if (own === -1 ? spaces <= indent : spaces < own) {
          if (spaces > indent) return undefined;
          break;
        }
        if (own === -1) own = spaces;
        lines.push(text.slice(begin + own, end));
        filled = lines.length;
      }
      this.#line++;
      this.#end = end;
    }
    // Lines of nothing but spaces may be content, or wrong.
    if (own === -1 || widest > own) return undefined;
    const value = lines.slice(0, filled).join('\n') + (strip === '-' ? '' : '\n');
    return this.#next() ? scalarOf(value, position) : undefined;
  }

  #flowLine(at: number): YamlNode | undefined {
    const flow = this.#flow(at);
    return flow !== undefined && this.#after(REST_OF_LINE, flow.end) !== -1 ? flow.node : undefined;
  }

  /** A value within `[…]` or `{…}`, all in this line, and where it ends. */
  #flow(at: number): Flow | undefined {
    if (++this.#nodes > this.#limits.maxNodes) return undefined;
    const first = this.#text[at];
    if (first === '[' || first === '{') {
      if (++this.#depth > this.#limits.maxDepth) return undefined;
      const flow = first === '[' ? this.#flowList(at) : this.#flowMap(at);
      this.#depth--;
      return flow;
    }
    const position = this.#place(at);
    if (first === "'" || first === '"') {
      const text = this.#match(first === "'" ? SINGLE_QUOTED : DOUBLE_QUOTED, at);
      if (text === undefined) return undefined;
      const value = first === "'" ? text.replaceAll("''", "'") : withoutEscapes(text);
      return { node: scalarOf(value, position), end: at + text.length + 2 };
    }
    const end = this.#after(FLOW_WORD, at);
    return end === -1 ? undefined : withNode(wordOf(this.#text.slice(at, end), position), end);
  }

  #flowList(at: number): Flow | undefined {
    const items: YamlNode[] = [];
    const end = this.#members(at, ']', (begin) => {
      const item = this.#flow(begin);
      if (item !== undefined) items.push(item.node);
      return item?.end;
    });
    return end === undefined
      ? undefined
      : { node: { kind: 'list', position: this.#place(at), tag: undefined, items }, end };
  }

  #flowMap(at: number): Flow | undefined {
    const entries: YamlEntry[] = [];
    const keys = new Set<string>();
    const end = this.#members(at, '}', (begin) => {
      const key = this.#match(FLOW_KEY, begin);
      if (key === undefined || keys.has(key)) return undefined;
      keys.add(key);
      const value = this.#flow(FLOW_KEY.lastIndex);
      if (value !== undefined) entries.push({ key, keyPosition: this.#place(begin), value: value.node });
      return value?.end;
    });
    return end === undefined
      ? undefined
      : { node: { kind: 'map', position: this.#place(at), tag: undefined, entries }, end };
  }

  /** Reads what is between the brackets, a member at a time; gives the end of all. */
  #members(at: number, close: string, read: (begin: number) => number | undefined): number | undefined {
    let begin = this.#after(SPACES, at + 1);
    if (this.#text[begin] === close) return begin + 1;
    for (;;) {
      const end = read(begin);
      if (end === undefined) return undefined;
      const behind = this.#after(SPACES, end);
      if (this.#text[behind] === close) return behind + 1;
      if (this.#text[behind] !== ',') return undefined;
      begin = this.#after(SPACES, behind + 1);
    }
  }
}

interface Flow {
  readonly node: YamlNode;
  readonly end: number;
}

function withNode(node: YamlNode | undefined, end: number): Flow | undefined {
  return node === undefined ? undefined : { node, end };
}

function endOfLine(text: string, begin: number): number {
  const end = text.indexOf('\n', begin);
  return end === -1 ? text.length : end;
}

function withoutEscapes(text: string): string {
  return text.includes('\\') ? text.replace(/\\(.)/g, (_, escaped: string) => ESCAPED[escaped] ?? '') : text;
}

function scalarOf(text: string, position: SourcePosition, value: YamlScalar['value'] = text): YamlNode {
  return { kind: 'scalar', position, tag: undefined, text, value };
}

/** An unquoted value by YAML's core schema; undefined for the rarer spellings of numbers. */
function wordOf(text: string, position: SourcePosition): YamlNode | undefined {
  if (/^(?:[-+]?\.|0[ox])/.test(text)) return undefined;
  if (/^[-+]?[0-9]/.test(text)) {
    if (/^[-+]?[0-9]{1,15}$/.test(text) || /^[-+]?[0-9]{1,15}\.[0-9]{0,15}$/.test(text)) {
      return scalarOf(text, position, Number.parseFloat(text));
    }
    if (/^[-+]?[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?$/.test(text)) return undefined;
  }
  if (/^(?:~|[Nn]ull|NULL)$/.test(text)) return scalarOf(text, position, null);
  if (/^(?:[Tt]rue|TRUE)$/.test(text)) return scalarOf(text, position, true);
  if (/^(?:[Ff]alse|FALSE)$/.test(text)) return scalarOf(text, position, false);
  return scalarOf(text, position);
}
