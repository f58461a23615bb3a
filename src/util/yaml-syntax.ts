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

export type ParsedTokens = { readonly tokens: readonly CST.Token[] } | { readonly tooDeep: SourcePosition };

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
  let line = 1;
  let column = 1;
  for (const token of new Lexer().lex(text)) {
    if (token === '[' || token === '{') flow++;
    else if (token === ']' || token === '}') flow = Math.max(0, flow - 1);
    // Block collections may be nested within one line (`- - - x`); over several lines the indentation bounds them.
    else if (flow === 0 && (token === '-' || token === '?')) inLine++;
    if (flow + inLine > maxDepth) return { tooDeep: { line, column } };
    tokens.push(...parser.next(token));
    const breaks = countBreaks(token);
    if (breaks > 0) {
      line += breaks;
      column = 1;
      inLine = 0;
    }
    // \u{2}, \u{18} and \u{1f} are marks of the lexer, not text.
    else if (!/^[\u0002\u0018\u001f]$/.test(token)) column += token.length;
  }
  tokens.push(...parser.end());
  return { tokens };
}

function countBreaks(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
