/**
 * Checks values against the constraints of their shape. Every function answers reasons, each a sentence that follows
 * the member's name: `must match pattern ^…$`.
 */
import type { Bounds } from './constraints/constraint.ts';
import type { NumberShape, StringShape } from './model.types.ts';

export function checkString(value: string, shape: StringShape): string[] {
  // Neither can be stored as text nor be meant; refused here so that no handler meets them.
  if (value.includes('\0')) return ['must not contain NUL characters.'];
  if (!value.isWellFormed()) return ['must be well-formed Unicode.'];
  if (shape.enumeration !== undefined && !shape.enumeration.includes(value)) {
    return [`must satisfy enum value set: [${shape.enumeration.join(', ')}].`];
  }
  const reasons = checkSize(codePoints(value), shape.length, 'length');
  if (shape.pattern !== undefined && !shape.pattern.expression.test(value)) {
    reasons.push(`must match pattern ${shape.pattern.text}`);
  }
  return reasons;
}

export function checkNumber(value: number, shape: NumberShape): string[] {
  if (!Number.isInteger(value)) return ['must be an integer.'];
  return checkSize(value, shape.range, 'value');
}

/** The number of elements of a list or entries of a map. */
export function checkItems(count: number, bounds: Bounds | undefined): string[] {
  return checkSize(count, bounds, 'length');
}

function checkSize(size: number, bounds: Bounds | undefined, what: 'length' | 'value'): string[] {
  if (bounds === undefined) return [];
  const [min, max] = bounds;
  if (size < min) return [`must have ${what} greater than or equal to ${min}.`];
  if (size > max) return [`must have ${what} less than or equal to ${max}.`];
  return [];
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
