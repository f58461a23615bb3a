import type { SourcePosition } from '../util/problem.ts';

/**
 * A part of a template after its intrinsic functions were evaluated: parameters and pseudo parameters are filled in,
 * what only a created resource can tell is still named.
 */
export type Value = TextValue | ListValue | MapValue | AbsentValue;

export interface TextValue {
  readonly kind: 'text';
  readonly position: SourcePosition;
  /** Literal text and attributes, to be put together in this order. */
  readonly parts: readonly TextPart[];
  /** True for a key with nothing behind it (YAML's null), which is not the same as an empty text. */
  readonly empty: boolean;
}

export type TextPart = string | AttributeReference;

/** An attribute that is known once the resource is there, e.g. the `Arn` of `WebServerRecipe`. */
export interface AttributeReference {
  readonly logicalId: string;
  readonly attribute: string;
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

/** The attribute when the text is that attribute and nothing else. */
export function soleReference(value: TextValue): AttributeReference | undefined {
  const [first, ...rest] = value.parts;
  return rest.length === 0 && typeof first === 'object' ? first : undefined;
}

export function referencesOf(value: Value): readonly AttributeReference[] {
  if (value.kind === 'text') return value.parts.filter((part) => typeof part !== 'string');
  if (value.kind === 'list') return value.items.flatMap(referencesOf);
  if (value.kind === 'map') return value.entries.flatMap((entry) => referencesOf(entry.value));
  return [];
}
