import { type CST, Lexer, Parser } from 'yaml';
import type { SourcePosition } from './problem.ts';

/** What an error of the parser means to an author, and what would be right. */
export function explainSyntaxError(code: string, message: string): [message: string, hint?: string] {
  const sentence = `${message.replace(/\.?$/, '')}.`;
  const hint = HINTS[code];
  return hint === undefined ? [sentence] : [sentence, hint];
}

const HINTS: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'indent with spaces',
  BAD_INDENT: 'check the indentation, and that every bracket, brace and quote above is closed',
  BLOCK_AS_IMPLICIT_KEY: 'a value that contains `: ` must be quoted; a nested map starts on a line of its own',
  MULTILINE_IMPLICIT_KEY: '`key: value` is expected; keys of one map start in the same column',
  MISSING_CHAR: 'a quote, bracket, comma or colon is missing here or above',
  BAD_SCALAR_START: 'quote the value',
  UNEXPECTED_TOKEN: 'quote the value if it is text',
  BAD_ESCAPE: String.raw`in double quotes a backslash is written \\; or use single quotes`,
  BAD_ALIAS: 'quote the value if it is text',
  BAD_ANCHOR: 'quote the value if it is text',
};

export type ParsedTokens =
  | { readonly tokens: readonly CST.Token[] }
  | { readonly tooDeep: SourcePosition }
  | { readonly tooMany: SourcePosition };

/** Bytes that the tokens of a document may take, by {@link costOf}: with all that is made of them some 200 MiB. */
const MAX_COST = 152_000_000;

/**
 * Cuts the text into the tokens of YAML, or tells where it nests deeper than allowed. Depth is counted before the parser
 * sees a lexeme: what follows the parser recurses.
 *
 * @param onNewLine gets the offset of each line.
 */
export function parseTokens(text: string, maxDepth: number, onNewLine: (offset: number) => void): ParsedTokens {
  const parser = new Parser(onNewLine);
  // What Parser.parse does for itself.
  onNewLine(0);
  const tokens: CST.Token[] = [];
  let flow = 0;
  let inLine = 0;
  let cost = 0;
  let line = 1;
  let column = 1;
  for (const token of new Lexer().lex(text)) {
    if (token === '[' || token === '{') flow++;
    else if (token === ']' || token === '}') flow = Math.max(0, flow - 1);
    // Block collections may be nested within one line (`- - - x`); over several lines the indentation bounds them.
    else if (flow === 0 && (token === '-' || token === '?')) inLine++;
    if (flow + inLine > maxDepth) return { tooDeep: { line, column } };
    cost += costOf(token);
    if (cost > MAX_COST) return { tooMany: { line, column } };
    for (const whole of parser.next(token)) tokens.push(whole);
    const breaks = countBreaks(token);
    if (breaks > 0) {
      line += breaks;
      column = 1;
      inLine = 0;
    } else if (!MARKS.includes(token)) column += token.length;
  }
  tokens.push(...parser.end());
  return { tokens };
}

/** Bytes that a token and what is made of it take, as measured, by what it begins with. */
const COSTS: Readonly<Record<string, number>> = {
  '\u001f': 800,
  '"': 800,
  "'": 800,
  '|': 800,
  '>': 800,
  '&': 800,
  '*': 800,
  '!': 800,
  '[': 1_300,
  '{': 1_300,
  '-': 900,
  '?': 900,
  ',': 350,
  ':': 350,
  '#': 400,
  '\n': 250,
  '\r': 250,
  ' ': 150,
};

function costOf(token: string): number {
  return COSTS[token[0] ?? ''] ?? 50;
}

/** Marks of the lexer, not text. */
const MARKS: readonly string[] = ['\u0002', '\u0018', '\u001f'];

function countBreaks(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
