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
  /** Keeps output, inputs and outputs out of logs and records. */
  readonly disableLogging: boolean;
  /** Decided once, before the first attempt. */
  readonly condition: StepCondition | undefined;
  readonly loop: StepLoop | undefined;
  /** As written, expressions unresolved; literals already converted to the type of the input. A map input is a list of one. */
  readonly inputs: readonly StepInputs[];
  /** Whether the module takes a list: decides between `inputs.x` and `inputs[0].x` in chaining. */
  readonly listInputs: boolean;
  readonly position: SourcePosition;
}

export type StepInputs = Readonly<Record<string, InputValue>>;
export type InputValue = string | number | boolean | readonly InputValue[] | { readonly [key: string]: InputValue };

/** `if` of a step. */
export interface StepCondition {
  /** A map with one operator and its companion key, as written. */
  readonly condition: StepInputs;
  /** `then` of the document. */
  readonly whenTrue: ConditionOutcome;
  /** `else` of the document. */
  readonly whenFalse: ConditionOutcome;
}

export type ConditionOutcome = 'Execute' | 'Skip' | 'Abort';

/** `loop` of a step. `name` is empty for a loop without one. */
export type StepLoop =
  | {
      readonly kind: 'for';
      readonly name: string;
      readonly start: number;
      readonly end: number;
      readonly updateBy: number;
    }
  | { readonly kind: 'items'; readonly name: string; readonly items: readonly string[] }
  | { readonly kind: 'list'; readonly name: string; readonly list: string; readonly delimiter: string };
