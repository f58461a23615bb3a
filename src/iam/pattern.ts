/**
 * Patterns of policies: `*` stands for any characters, `?` for one, `${key}` for a value of the request, and `${*}`,
 * `${?}` and `${$}` for the characters themselves. Source: IAM User Guide, "IAM policy elements: Variables and tags".
 */

/** A part of a pattern: a text that matches itself, a wildcard, or a value that is known when a request comes. */
export type PatternPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'any' }
  | { readonly kind: 'one' }
  | { readonly kind: 'variable'; readonly key: string; readonly fallback: string | undefined };

export interface Pattern {
  /** As written. */
  readonly source: string;
  readonly parts: readonly PatternPart[];
}

/** The value of a policy variable in a request; undefined when the request has none. */
export type Variables = (key: string) => string | undefined;

/** @param variables whether `${key}` is a variable (policies of version 2012-10-17) or only text */
export function parsePattern(source: string, variables: boolean): Pattern {
  const parts: PatternPart[] = [];
  let text = '';
  const flush = (): void => {
    if (text !== '') parts.push({ kind: 'text', text });
    text = '';
  };
  for (let at = 0; at < source.length; at++) {
    const variable = variables && source[at] === '$' ? VARIABLE.exec(source.slice(at)) : null;
    if (variable !== null) {
      const [whole, key = '', fallback] = variable;
      at += whole.length - 1;
      if (key === '*' || key === '?' || key === '$') text += key;
      else {
        flush();
        parts.push({ kind: 'variable', key: key.trim(), fallback });
      }
    } else if (source[at] === '*' || source[at] === '?') {
      flush();
      parts.push({ kind: source[at] === '*' ? 'any' : 'one' });
    } else text += source[at];
  }
  flush();
  return { source, parts };
}

const VARIABLE = /^\$\{([^}',]+)(?:,\s*'([^']*)')?\s*\}/;

/** The keys that a pattern takes from requests. */
export function variablesOf({ parts }: Pattern): readonly string[] {
  return parts.flatMap((part) => (part.kind === 'variable' ? [part.key] : []));
}

/** The pattern as a text without wildcards; undefined when a variable has no value. Wildcards stay as characters. */
export function plainText({ parts }: Pattern, variables: Variables): string | undefined {
  let text = '';
  for (const part of parts) {
    if (part.kind === 'any') text += '*';
    else if (part.kind === 'one') text += '?';
    else {
      const piece = part.kind === 'text' ? part.text : (variables(part.key) ?? part.fallback);
      if (piece === undefined) return undefined;
      text += piece;
    }
  }
  return text;
}

type Token = string | typeof ANY | typeof ONE;
const ANY = Symbol('*');
const ONE = Symbol('?');

/** Whether the whole of `value` fits. A pattern with a variable that has no value fits nothing. */
export function matches(pattern: Pattern, value: string, variables: Variables, ignoreCase = false): boolean {
  const tokens = tokensOf(pattern, variables, ignoreCase);
  return tokens !== undefined && matchTokens(tokens, ignoreCase ? value.toLowerCase() : value);
}

/**
 * Whether an ARN fits, segment by segment: a wildcard does not reach over a colon, except at the end of the pattern.
 * Source: IAM User Guide, "IAM JSON policy elements: Resource".
 */
export function matchesArn(pattern: Pattern, arn: string, variables: Variables): boolean {
  const tokens = tokensOf(pattern, variables, false);
  if (tokens === undefined) return false;
  const segments = splitTokens(tokens);
  const values = splitArn(arn);
  const last = segments.length - 1;
  if (segments.length > values.length) return false;
  if (segments.length < values.length && segments[last]?.at(-1) !== ANY) return false;
  return segments.every((segment, index) =>
    matchTokens(segment, index === last ? values.slice(index).join(':') : (values[index] ?? '')),
  );
}

const ARN_SEGMENTS = 6;

function splitArn(arn: string): readonly string[] {
  const parts = arn.split(':');
  return [...parts.slice(0, ARN_SEGMENTS - 1), ...rest(parts)];
}

function rest(parts: readonly string[]): readonly string[] {
  return parts.length < ARN_SEGMENTS ? [] : [parts.slice(ARN_SEGMENTS - 1).join(':')];
}

function splitTokens(tokens: readonly Token[]): readonly Token[][] {
  const segments: Token[][] = [[]];
  for (const token of tokens) {
    if (token === ':' && segments.length < ARN_SEGMENTS) segments.push([]);
    else segments.at(-1)?.push(token);
  }
  return segments;
}

function tokensOf({ parts }: Pattern, variables: Variables, ignoreCase: boolean): Token[] | undefined {
  const tokens: Token[] = [];
  for (const part of parts) {
    if (part.kind === 'any') tokens.push(ANY);
    else if (part.kind === 'one') tokens.push(ONE);
    else {
      const text = part.kind === 'text' ? part.text : (variables(part.key) ?? part.fallback);
      if (text === undefined) return undefined;
      tokens.push(...(ignoreCase ? text.toLowerCase() : text));
    }
  }
  return tokens;
}

/** Goes back to the last `*` only, so that hostile patterns cost no more than pattern times value. */
function matchTokens(tokens: readonly Token[], value: string): boolean {
  const characters = [...value];
  let at = 0;
  let token = 0;
  let star = -1;
  let starAt = 0;
  while (at < characters.length) {
    const wanted = tokens[token];
    if (wanted === ANY) {
      star = token++;
      starAt = at;
    } else if (token < tokens.length && (wanted === ONE || wanted === characters[at])) {
      token++;
      at++;
    } else if (star >= 0) {
      token = star + 1;
      at = ++starAt;
    } else return false;
  }
  while (tokens[token] === ANY) token++;
  return token === tokens.length;
}
