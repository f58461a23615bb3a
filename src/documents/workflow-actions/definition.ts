/** What a step action is, as data. Source: EC2 Image Builder User Guide, "Supported step actions for your workflow document". */
export type WorkflowType = 'BUILD' | 'TEST' | 'DISTRIBUTION';

/** What parameters of workflows can be. */
export type WorkflowValueType = 'string' | 'boolean' | 'integer' | 'stringList';

/** What inputs and outputs of actions can be: also maps, lists of maps, and maps of names to lists of strings. */
export type ActionValueType = WorkflowValueType | 'map' | 'mapList' | 'stringListMap';

export interface ActionInput {
  readonly type: ActionValueType;
  readonly required: boolean;
  /** The only values that are allowed; undefined: any of the type. */
  readonly allowed?: readonly string[];
  /** Values that AWS takes and Kiln does not, each with the reason. */
  readonly refused?: Readonly<Record<string, string>>;
  /** AWS takes the input and Kiln does not: what it would be for. */
  readonly notYet?: string;
  /** Of maps and of each map of a list. */
  readonly members?: Readonly<Record<string, ActionInput>>;
  readonly maxItems?: number;
  /** Of an integer. */
  readonly range?: readonly [number, number];
  /** A text that holds JSON of at most so many bytes. */
  readonly jsonBytes?: number;
  /** It can only be a reference to the output of a step. */
  readonly onlyStepOutput?: boolean;
  readonly summary: string;
}

export interface ActionOutput {
  readonly type: ActionValueType;
  readonly summary: string;
}

export interface ActionDefinition {
  readonly summary: string;
  /** Workflow types whose documents may use the action. */
  readonly stages: readonly WorkflowType[];
  readonly defaultTimeoutSeconds: number;
  readonly maxTimeoutSeconds: number;
  readonly inputs: Readonly<Record<string, ActionInput>>;
  readonly outputs: Readonly<Record<string, ActionOutput>>;
}

export const minutes = (count: number): number => count * 60;
export const hours = (count: number): number => count * 3600;
export const days = (count: number): number => count * 86_400;

export const EVERY_STAGE: readonly WorkflowType[] = ['BUILD', 'TEST', 'DISTRIBUTION'];

export const instanceId: ActionInput = { type: 'string', required: true, summary: 'The instance to act on.' };

/** What actions answer that run something on the instance. */
export const commandOutputs = {
  runCommandId: { type: 'string', summary: 'Id of this run, as it appears in the log.' },
  status: { type: 'string', summary: '`Success`, or `Failed` when the step failed.' },
  output: { type: 'string', summary: 'What the run had to say, as text.' },
} as const satisfies Record<string, ActionOutput>;

/** Members of one AMI in one Region, in the outputs of the actions that distribute. */
export const distributedOutput = (summary: string): ActionOutput => ({ type: 'mapList', summary });

/** The input that names what DistributeImage made. */
export const distributedImages: ActionInput = {
  type: 'mapList',
  required: true,
  onlyStepOutput: true,
  summary: 'What DistributeImage answered.',
};
