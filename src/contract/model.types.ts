import type { Bounds } from './constraints/constraint.ts';
import type { OperationName } from './operations.ts';

/** The wire form of one operation, as decode.ts, encode.ts and the router need it. */
export interface OperationModel {
  readonly name: OperationName;
  /** `PUT`, `GET`, `POST` or `DELETE`. */
  readonly method: string;
  /** `/CreateImage`; only tag operations have a label: `/tags/{resourceArn}`. */
  readonly path: string;
  /** Status of success. */
  readonly status: number;
  readonly input: StructureShape;
  readonly output: StructureShape;
}

export type Shape = StringShape | NumberShape | BooleanShape | TimestampShape | ListShape | MapShape | StructureShape;

export interface StringShape {
  readonly kind: 'string';
  readonly length?: Bounds;
  readonly pattern?: Pattern;
  readonly enumeration?: readonly string[];
}

export interface Pattern {
  /** As AWS spells it, for messages. */
  readonly text: string;
  /** Matches a whole string. */
  readonly expression: RegExp;
}

/** Every number in a request of this API is an integer; answers also carry fractions (scores of findings). */
export interface NumberShape {
  readonly kind: 'number';
  readonly range?: Bounds;
}

export interface BooleanShape {
  readonly kind: 'boolean';
}

/** Epoch seconds on the wire, a `Date` inside. (The API's other times are strings on both sides.) */
export interface TimestampShape {
  readonly kind: 'timestamp';
}

export interface ListShape {
  readonly kind: 'list';
  readonly items?: Bounds;
  readonly element: Shape;
}

export interface MapShape {
  readonly kind: 'map';
  readonly items?: Bounds;
  readonly key: StringShape;
  readonly value: Shape;
}

export interface StructureShape {
  readonly kind: 'structure';
  /** AWS's name of the shape: `CreateImageRequest`, `Schedule`. */
  readonly name: string;
  readonly members: ReadonlyMap<string, Member>;
}

export interface Member {
  readonly name: string;
  readonly shape: Shape;
  /** Idempotency tokens count as required: SDKs fill them in. */
  readonly required: boolean;
  readonly location: 'body' | 'query' | 'path';
}
