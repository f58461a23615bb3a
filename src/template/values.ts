import type { SourcePosition } from '../util/problem.ts';

/**
 * A part of a template after its intrinsic functions were evaluated: parameters and pseudo parameters are filled in,
 * what only a created resource can tell is still named.
 */
export type Value = TextValue | ListValue | MapValue | AbsentValue | PiecesValue;

export interface TextValue {
  readonly kind: 'text';
  readonly position: SourcePosition;
  /** Literal text and attributes, to be put together in this order. */
  readonly parts: readonly TextPart[];
  /** True for a key with nothing behind it (YAML's null), which is not the same as an empty text. */
  readonly empty: boolean;
}

export type TextPart = string | AttributeReference | TextPiece;

/** An attribute that is known once the resource is there, e.g. the `Arn` of `WebServerRecipe`. */
export interface AttributeReference {
  readonly logicalId: string;
  readonly attribute: string;
}

/** One piece of a text that is known once its resources are there: `Fn::Select` of `Fn::Split`. */
export interface TextPiece {
  readonly of: readonly TextPart[];
  readonly delimiter: string;
  readonly index: number;
}

/** `Fn::Split` of a text that is not known yet: how many pieces it has is not known either. */
export interface PiecesValue {
  readonly kind: 'pieces';
  readonly position: SourcePosition;
  readonly of: readonly TextPart[];
  readonly delimiter: string;
}

export interface ListValue {
  readonly kind: 'list';
  readonly position: SourcePosition;
  readonly items: readonly Value[];
}

export interface MapValue {
  readonly kind: 'map';
  readonly position: SourcePosition;
  readonly entries: readonly ValueEntry[];
}

export interface ValueEntry {
  readonly key: string;
  readonly keyPosition: SourcePosition;
  readonly value: Value;
}

/** `AWS::NoValue`: as if the key or list item were not there. */
export interface AbsentValue {
  readonly kind: 'absent';
  readonly position: SourcePosition;
}

export function textValue(position: SourcePosition, ...parts: readonly TextPart[]): TextValue {
  const joined: TextPart[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (typeof part === 'string' && typeof last === 'string') joined[joined.length - 1] = last + part;
    else joined.push(part);
  }
  return { kind: 'text', position, parts: joined, empty: false };
}

/** The text when nothing in it waits for a resource; otherwise undefined. */
export function constantText(value: TextValue): string | undefined {
  if (value.parts.length === 0) return '';
  const [first, ...rest] = value.parts;
  return rest.length === 0 && typeof first === 'string' ? first : undefined;
}

/**
 * Puts a text together.
 *
 * @param attributeOf gives undefined for what is not known; then so does this.
 */
export function joinParts(
  parts: readonly TextPart[],
  attributeOf: (reference: AttributeReference) => string | undefined,
): string | undefined {
  let text = '';
  for (const part of parts) {
    const next = typeof part === 'string' ? part : 'of' in part ? pieceOf(part, attributeOf) : attributeOf(part);
    if (next === undefined) return undefined;
    text += next;
  }
  return text;
}

function pieceOf(
  { of, delimiter, index }: TextPiece,
  attributeOf: (reference: AttributeReference) => string | undefined,
): string | undefined {
  return joinParts(of, attributeOf)?.split(delimiter)[index];
}

export function referencesOf(value: Value): readonly AttributeReference[] {
  if (value.kind === 'text') return referencesIn(value.parts);
  if (value.kind === 'pieces') return referencesIn(value.of);
  if (value.kind === 'list') return value.items.flatMap(referencesOf);
  if (value.kind === 'map') return value.entries.flatMap((entry) => referencesOf(entry.value));
  return [];
}

function referencesIn(parts: readonly TextPart[]): readonly AttributeReference[] {
  return parts.flatMap((part) => (typeof part === 'string' ? [] : 'of' in part ? referencesIn(part.of) : [part]));
}

export function nounOf(value: Value): string {
  const nouns = { text: 'a text', list: 'a list', map: 'a map', absent: 'AWS::NoValue' };
  return value.kind === 'pieces' ? 'the pieces of a text that depends on a resource' : nouns[value.kind];
}
