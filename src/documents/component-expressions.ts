import type { InputValue } from './component.ts';

/**
 * Expressions of component documents: `{{ reference }}` anywhere within a string. Source: EC2 Image Builder User Guide,
 * "Use variables in your custom component document".
 */
export type Reference =
  | { readonly kind: 'name'; readonly name: string }
  | ChainReference
  /** `loop` is the word `loop` or the name of a loop. */
  | { readonly kind: 'loop'; readonly loop: string; readonly variable: 'index' | 'value' }
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'context'; readonly key: string }
  | ParameterReference
  | { readonly kind: 'imds'; readonly path: string }
  /** Looks like a reference and has none of the forms. */
  | { readonly kind: 'malformed' };

/** `aws:ssm:NAME`, or `aws:ssm:resolve(…)` where the name of the parameter is the value of something else. */
export interface ParameterReference {
  readonly kind: 'ssm';
  readonly name: string;
  /** What `name` is: of a parameter in Parameter Store itself, or of what holds that name. */
  readonly through?: 'document' | 'store';
}

export interface ChainReference {
  readonly kind: 'chain';
  readonly phase: string;
  readonly step: string;
  readonly from: 'inputs' | 'outputs';
  readonly index: number | undefined;
  readonly variable: string;
}

export interface Expression {
  /** With its braces, as written. */
  readonly source: string;
  readonly reference: Reference;
}

/** Keys of `{{ context:KEY }}`. */
export const CONTEXT_KEYS = [
  'executionId',
  'accountId',
  'region',
  'osPlatform',
  'osName',
  'osVersion',
  'date',
  'dateTime',
  'uuid',
  'hostname',
  'phase',
  'step',
] as const;

export type ContextKey = (typeof CONTEXT_KEYS)[number];

/**
 * Cuts a text into literal parts and expressions. Braces around something that cannot be a reference (`{{ .Name }}`,
 * `{{ a | upper }}`) are literal: AWSTOE has no escape, and commands contain other template languages.
 */
export function parseText(text: string): readonly (string | Expression)[] {
  if (!text.includes('{{')) return [text];
  const parts: (string | Expression)[] = [];
  let literalFrom = 0;
  let searchFrom = 0;
  for (let close = text.indexOf('}}'); close >= 0; close = text.indexOf('}}', searchFrom)) {
    const open = text.slice(searchFrom, close).lastIndexOf('{{');
    const start = searchFrom + open;
    const end = close + 2;
    searchFrom = end;
    if (open < 0) continue;
    const reference = parseReference(text.slice(start + 2, close).replace(/^[ \t]+|[ \t]+$/g, ''));
    if (reference === undefined) continue;
    if (start > literalFrom) parts.push(text.slice(literalFrom, start));
    parts.push({ source: text.slice(start, end), reference });
    literalFrom = end;
  }
  if (literalFrom < text.length || parts.length === 0) parts.push(text.slice(literalFrom));
  return parts;
}

/** The expressions of a text, in order. */
export function expressionsOf(text: string): readonly Expression[] {
  return parseText(text).filter((part) => typeof part !== 'string');
}

export function hasExpression(text: string): boolean {
  return expressionsOf(text).length > 0;
}

/** Characters that a text may have after resolution. */
const MAX_RESOLVED = 1024 * 1024;

/** An expression could not be resolved; fails the step that contains it. */
export class UnresolvedExpressionError extends Error {
  override readonly name = 'UnresolvedExpressionError';
}

/**
 * Puts values in the place of expressions. A value is never scanned again, so what a command printed cannot become an
 * expression. `lookup` gives undefined to leave an expression as it is written, and throws for one without a value.
 */
export function resolveText(text: string, lookup: (expression: Expression) => string | undefined): string {
  let size = 0;
  const resolved: string[] = [];
  for (const part of parseText(text)) {
    const piece = typeof part === 'string' ? part : (lookup(part) ?? part.source);
    size += piece.length;
    if (size > MAX_RESOLVED) {
      throw new UnresolvedExpressionError(
        `a text is longer than ${MAX_RESOLVED} characters after its expressions are resolved`,
      );
    }
    resolved.push(piece);
  }
  return resolved.join('');
}

/** {@link resolveText} for every string in a value, at any depth; keys are left alone. */
export function resolveValue(value: InputValue, lookup: (expression: Expression) => string | undefined): InputValue {
  if (typeof value === 'string') return resolveText(value, lookup);
  if (typeof value !== 'object') return value;
  if (isList(value)) return value.map((item) => resolveValue(item, lookup));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolveValue(item, lookup)]));
}

/** Every string in a value, at any depth. */
export function* textsOf(value: InputValue): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (typeof value === 'object')
    for (const item of isList(value) ? value : Object.values(value)) yield* textsOf(item);
}

/** `Array.isArray` that tells read-only lists from maps. */
export function isList(value: InputValue): value is readonly InputValue[] {
  return Array.isArray(value);
}

const WORD = '[A-Za-z0-9_-]+';
const NAME = new RegExp(`^${WORD}$`);
const CHAIN = new RegExp(`^(${WORD})\\.(${WORD})\\.(inputs|outputs)(?:\\[(\\d{1,6})\\])?\\.(${WORD})$`);
const LOOP = new RegExp(`^(${WORD})\\.(index|value)$`);
const PREFIXED = /^(aws:ssm|aws:imds|env|context):(.+)$/;
/** Source: Systems Manager, "Create a Parameter Store parameter": the names that are allowed; a `:` selects a version. */
const PARAMETER_NAME = /^[A-Za-z0-9_./-]{1,2048}(:[A-Za-z0-9_.-]+)?$/;
const METADATA_PATH = /^[A-Za-z0-9_./:-]{1,1024}$/;
const RESOLVE = /^resolve\((aws:ssm:)?([^()]*)\)$/;
const LIKE_A_REFERENCE = /^[A-Za-z0-9_-]+[.:[][A-Za-z0-9_.:[\]/-]*$/;

function parseReference(text: string): Reference | undefined {
  if (NAME.test(text)) return { kind: 'name', name: text };
  const chain = CHAIN.exec(text);
  if (chain !== null) {
    const [, phase = '', step = '', from, index, variable = ''] = chain;
    return {
      kind: 'chain',
      phase,
      step,
      from: from === 'inputs' ? 'inputs' : 'outputs',
      index: index === undefined ? undefined : Number(index),
      variable,
    };
  }
  const loop = LOOP.exec(text);
  if (loop !== null) return { kind: 'loop', loop: loop[1] ?? '', variable: loop[2] === 'index' ? 'index' : 'value' };
  const prefixed = PREFIXED.exec(text);
  if (prefixed !== null) {
    const [, prefix, rest = ''] = prefixed;
    if (prefix === 'aws:ssm') return parseParameter(rest);
    if (prefix === 'aws:imds') return METADATA_PATH.test(rest) ? { kind: 'imds', path: rest } : { kind: 'malformed' };
    if (prefix === 'env') return { kind: 'env', name: rest };
    return { kind: 'context', key: rest };
  }
  return LIKE_A_REFERENCE.test(text) ? { kind: 'malformed' } : undefined;
}

function parseParameter(text: string): Reference {
  const resolve = RESOLVE.exec(text);
  if (resolve === null) return PARAMETER_NAME.test(text) ? { kind: 'ssm', name: text } : { kind: 'malformed' };
  const [, store, name = ''] = resolve;
  const valid = store === undefined ? NAME.test(name) : PARAMETER_NAME.test(name);
  return valid ? { kind: 'ssm', name, through: store === undefined ? 'document' : 'store' } : { kind: 'malformed' };
}
