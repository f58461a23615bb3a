/**
 * What a value must satisfy beside its JSON type. The SDK's schemas carry none of this, and clients check almost none
 * of it, so it is Kiln's to enforce. Every part that is given must hold.
 */
export interface Constraint {
  /** The whole string must match, whether or not the expression is anchored. */
  readonly pattern?: string;
  /** Fewest and most characters (Unicode code points). */
  readonly length?: Bounds;
  readonly range?: Bounds;
  /** Fewest and most elements of a list or entries of a map. */
  readonly items?: Bounds;
  /** One of these strings. */
  readonly enumeration?: readonly string[];
}

export type Bounds = readonly [min: number, max: number];
