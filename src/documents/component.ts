import type { SourcePosition } from '../util/problem.ts';

/**
 * A component document, parsed and validated, frozen. Scalars in string-typed fields keep the text of the source
 * (`0755`, `1.0`). Source: EC2 Image Builder User Guide, "Use the AWSTOE component document framework".
 */
export interface ComponentDocument {
  readonly schemaVersion: '1.0';
  readonly name: string;
  readonly description: string;
  readonly parameters: readonly DocumentParameter[];
  readonly constants: readonly DocumentConstant[];
  readonly phases: readonly Phase[];
}

export interface DocumentParameter {
  readonly name: string;
  readonly type: 'string';
  /** Undefined: a value must be given. */
  readonly default: string | undefined;
  readonly description: string | undefined;
}

export interface DocumentConstant {
  readonly name: string;
  readonly value: string;
}

export interface Phase {
  readonly name: string;
  readonly steps: readonly Step[];
}

export interface Step {
  readonly name: string;
  /** Name of an action module, e.g. `ExecuteBash`. */
  readonly action: string;
  /** Of one attempt; -1 is no limit. Default 7200. */
  readonly timeoutSeconds: number;
  readonly onFailure: 'Abort' | 'Continue' | 'Ignore';
  readonly maxAttempts: number;
  /** As written, expressions unresolved. A map input is a list of one. */
  readonly inputs: readonly StepInputs[];
  /** Whether the module takes a list: decides between `inputs.x` and `inputs[0].x` in chaining. */
  readonly listInputs: boolean;
  readonly position: SourcePosition;
}

export type StepInputs = Readonly<Record<string, InputValue>>;
export type InputValue = string | number | boolean | readonly InputValue[] | { readonly [key: string]: InputValue };
