import type { SourcePosition } from '../util/problem.ts';
import type { WorkflowActionName, WorkflowType, WorkflowValueType } from './workflow-actions.ts';
import type { Condition } from './workflow-conditions.ts';
import type { Reference } from './workflow-references.ts';

/**
 * A workflow document, parsed and validated, frozen. Source: EC2 Image Builder User Guide, "Create a YAML workflow
 * document for your image workflow".
 */
export interface WorkflowDocument {
  readonly schemaVersion: '1.0';
  readonly name: string | undefined;
  readonly description: string | undefined;
  readonly type: WorkflowType;
  readonly parameters: readonly WorkflowParameter[];
  readonly steps: readonly WorkflowStep[];
  readonly outputs: readonly WorkflowOutput[];
}

export interface WorkflowParameter {
  readonly name: string;
  readonly type: WorkflowValueType;
  /** Undefined: whoever runs the workflow must give a value. */
  readonly default: WorkflowValue | undefined;
  readonly description: string | undefined;
}

export interface WorkflowStep {
  readonly name: string;
  readonly action: WorkflowActionName;
  readonly description: string | undefined;
  /** Undefined: the step always runs. */
  readonly condition: Condition | undefined;
  /** As written: a key that ends in `.$` holds a reference as text, other text may hold `{{ $.… }}`. */
  readonly inputs: Readonly<Record<string, WorkflowValue>>;
  readonly onFailure: 'Abort' | 'Continue';
  /** Whether a later failure takes the step's effect back (an instance is terminated). */
  readonly rollbackEnabled: boolean | Reference;
  /** Of one attempt. */
  readonly timeoutSeconds: number;
  /** Pause before the action, within `timeoutSeconds`. */
  readonly waitSeconds: number;
  /** Attempts in all, the first included. */
  readonly maxAttempts: number;
  /** Pause between two attempts. */
  readonly backoffSeconds: number;
  readonly position: SourcePosition;
}

export interface WorkflowOutput {
  readonly name: string;
  /** Text may hold `{{ $.… }}`. */
  readonly value: string | Reference;
}

/** What parameters, inputs and outputs hold: JSON without null. */
export type WorkflowValue =
  | string
  | number
  | boolean
  | readonly WorkflowValue[]
  | { readonly [key: string]: WorkflowValue };
