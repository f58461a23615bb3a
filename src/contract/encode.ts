/** Turns what a handler answers into the JSON of the wire. */
import type { Shape, StructureShape } from './model.types.ts';

/**
 * The members of `shape` that are there; absent, `undefined` and `null` members are left out, as AWS leaves them out.
 * Timestamps become epoch seconds; a `Date` where the API has its times as strings becomes ISO 8601.
 */
export function encodeOutput(shape: StructureShape, output: object): Record<string, unknown> {
  const encoded: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(output)) {
    const member = shape.members.get(name);
    if (member === undefined || value === undefined || value === null) continue;
    encoded[name] = encode(member.shape, value);
  }
  return encoded;
}

function encode(shape: Shape, value: unknown): unknown {
  switch (shape.kind) {
    case 'timestamp':
      return encodeTimestamp(value);
    case 'string':
      return value instanceof Date ? value.toISOString() : value;
    case 'list':
      return (value as readonly unknown[]).map((element) => encode(shape.element, element));
    case 'map':
      return Object.fromEntries(
        Object.entries(value as object).map(([key, entry]) => [key, encode(shape.value, entry)]),
      );
    case 'structure':
      return encodeOutput(shape, value as object);
    case 'number':
    case 'boolean':
      return value;
  }
}

/** Documents that were kept as JSON have their times as ISO strings. */
function encodeTimestamp(value: unknown): number {
  const date = typeof value === 'string' ? new Date(value) : value;
  if (!(date instanceof Date) || Number.isNaN(date.getTime())) {
    throw new TypeError(`An answer has ${JSON.stringify(value)} where a time belongs.`);
  }
  return date.getTime() / 1_000;
}
