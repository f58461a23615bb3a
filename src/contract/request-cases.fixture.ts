/** Requests just inside and just outside every constraint of the service model, made from the model itself. */
import type { Bounds } from './constraints/constraint.ts';
import type { ListShape, MapShape, NumberShape, Shape, StringShape, StructureShape } from './model.types.ts';
import { PATTERN_SAMPLES } from './samples.fixture.ts';

/** One constraint of one member: what satisfies it, and what violates only it. */
export interface ConstraintCase {
  /** As errors name it: `distributions[0].region`. */
  readonly path: string;
  readonly rule: string;
  /** Undefined: nothing that the member can hold satisfies the constraint at this end. */
  readonly inside?: unknown;
  /** Undefined: the constraint cannot be violated at this end. */
  readonly outside?: unknown;
  /** The member is left out in the violating request. */
  readonly leftOut?: true;
}

/** A value that satisfies everything, with required members only. */
export function minimal(shape: Shape): unknown {
  switch (shape.kind) {
    case 'string':
      return shape.enumeration?.[0] ?? validText(shape);
    case 'number':
      return shape.range?.[0] ?? 1;
    case 'boolean':
      return true;
    case 'timestamp':
      return 1_800_000_000;
    case 'list':
      return Array.from({ length: shape.items?.[0] ?? 0 }, () => minimal(shape.element));
    case 'map':
      return entries(shape, shape.items?.[0] ?? 0);
    case 'structure':
      return minimalMembers(shape);
  }
}

export function minimalMembers(shape: StructureShape): Record<string, unknown> {
  return Object.fromEntries(
    [...shape.members.values()]
      .filter((member) => member.required)
      .map((member) => [member.name, minimal(member.shape)]),
  );
}

function validText({ pattern, length }: StringShape): string {
  const sample = pattern === undefined ? undefined : PATTERN_SAMPLES[pattern.text];
  if (pattern !== undefined && sample === undefined) throw new Error(`There is no sample for ${pattern.text}`);
  const text = sample?.inside() ?? 'a'.repeat(Math.max(1, length?.[0] ?? 1));
  return length !== undefined && text.length > length[1] ? text.slice(0, length[1]) : text;
}

function entries(shape: MapShape, count: number): Record<string, unknown> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, minimal(shape.value)]));
}

/** Every constraint below a structure. The values are those of the structure as a whole. */
export function* casesOf(shape: StructureShape, prefix = ''): Generator<ConstraintCase> {
  const base = minimalMembers(shape);
  for (const { name, required, shape: memberShape } of shape.members.values()) {
    const path = prefix + name;
    if (required) {
      const { [name]: _left, ...others } = base;
      yield { path, rule: 'required', inside: base, outside: others, leftOut: true };
    }
    for (const one of casesOfShape(memberShape, path)) {
      yield {
        ...one,
        ...('inside' in one ? { inside: { ...base, [name]: one.inside } } : {}),
        ...('outside' in one ? { outside: { ...base, [name]: one.outside } } : {}),
      };
    }
  }
}

function* casesOfShape(shape: Shape, path: string): Generator<ConstraintCase> {
  switch (shape.kind) {
    case 'string':
      yield* stringCases(shape, path);
      return;
    case 'number':
      yield* numberCases(shape, path);
      return;
    case 'list':
      yield* listCases(shape, path);
      return;
    case 'map':
      yield* mapCases(shape, path);
      return;
    case 'structure':
      yield* casesOf(shape, `${path}.`);
      return;
    case 'boolean':
    case 'timestamp':
      return;
  }
}

function* stringCases(shape: StringShape, path: string): Generator<ConstraintCase> {
  const { enumeration, pattern, length } = shape;
  if (enumeration !== undefined) {
    for (const value of enumeration) yield { path, rule: `one of the enumeration: ${value}`, inside: value };
    yield { path, rule: 'enumeration', inside: enumeration.at(-1), outside: `${enumeration[0]}_` };
    const otherCase = enumeration[0]?.toLowerCase() ?? '';
    if (!enumeration.includes(otherCase)) yield { path, rule: 'case of the enumeration', outside: otherCase };
    return;
  }
  const sample = pattern === undefined ? undefined : PATTERN_SAMPLES[pattern.text];
  if (pattern !== undefined) {
    if (sample === undefined) throw new Error(`There is no sample for ${pattern.text}`);
    yield { path, rule: `pattern ${pattern.text}`, inside: validText(shape), outside: sample.outside };
  }
  if (length === undefined) return;
  const text = (size: number): string => sample?.inside(size) ?? 'ü'.repeat(size);
  yield* boundCases(length, path, 'length', (size) => {
    const value = text(size);
    // A pattern of fixed form or of whole groups comes as near to the bound as it can.
    return { value, exact: value.length === size, fits: value.length >= length[0] && value.length <= length[1] };
  });
}

function* numberCases({ range }: NumberShape, path: string): Generator<ConstraintCase> {
  if (range === undefined) return;
  yield { path, rule: 'integer', outside: range[0] + 0.5 };
  yield* boundCases(range, path, 'value', (value) => ({ value, exact: true, fits: true }));
}

function* listCases(shape: ListShape, path: string): Generator<ConstraintCase> {
  if (shape.items !== undefined) {
    yield* boundCases(shape.items, path, 'items', (count) => ({
      value: Array.from({ length: count }, () => minimal(shape.element)),
      exact: true,
      fits: true,
    }));
  }
  for (const one of casesOfShape(shape.element, `${path}[0]`)) yield wrapped(one, (value) => [value]);
}

function* mapCases(shape: MapShape, path: string): Generator<ConstraintCase> {
  if (shape.items !== undefined) {
    yield* boundCases(shape.items, path, 'items', (count) => ({
      value: entries(shape, count),
      exact: true,
      fits: true,
    }));
  }
  for (const one of casesOfShape(shape.value, `${path}.k0`)) yield wrapped(one, (value) => ({ k0: value }));
  for (const one of stringCases(shape.key, path)) {
    yield wrapped({ ...one, rule: `key: ${one.rule}` }, (key) => ({ [String(key)]: minimal(shape.value) }));
  }
}

function wrapped(one: ConstraintCase, wrap: (value: unknown) => unknown): ConstraintCase {
  return {
    ...one,
    ...('inside' in one ? { inside: wrap(one.inside) } : {}),
    ...('outside' in one ? { outside: wrap(one.outside) } : {}),
  };
}

interface Sized {
  readonly value: unknown;
  /** Whether it has the size that was asked for. */
  readonly exact: boolean;
  readonly fits: boolean;
}

/** At each end: the last that is allowed and the first that is not, where there is an end. */
function* boundCases(
  [min, max]: Bounds,
  path: string,
  what: string,
  of: (size: number) => Sized,
): Generator<ConstraintCase> {
  const low = of(min);
  const below = min > 0 || what === 'value' ? of(min - 1) : undefined;
  yield {
    path,
    rule: `${what} at least ${min}`,
    ...(low.fits ? { inside: low.value } : {}),
    ...(below?.exact === true ? { outside: below.value } : {}),
  };
  if (max === Number.POSITIVE_INFINITY) return;
  const high = of(max);
  const above = of(max + 1);
  yield {
    path,
    rule: `${what} at most ${max}`,
    ...(high.fits ? { inside: high.value } : {}),
    ...(above.exact ? { outside: above.value } : {}),
  };
}
