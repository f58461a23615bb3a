/**
 * Step actions of workflow documents, as data: the parser checks documents against this table, the engine runs by it
 * and the manual is written from it. Source: EC2 Image Builder User Guide, "Supported step actions for your workflow
 * document".
 */
export type WorkflowType = 'BUILD' | 'TEST' | 'DISTRIBUTION';

export type WorkflowValueType = 'string' | 'boolean' | 'integer' | 'stringList';

export interface ActionInput {
  readonly type: WorkflowValueType;
  readonly required: boolean;
  /** The only values that are allowed; undefined: any of the type. */
  readonly allowed?: readonly string[];
  readonly summary: string;
}

export interface ActionOutput {
  readonly type: WorkflowValueType;
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

const minutes = (count: number): number => count * 60;
const hours = (count: number): number => count * 3600;
const days = (count: number): number => count * 86_400;

const EVERY_STAGE: readonly WorkflowType[] = ['BUILD', 'TEST', 'DISTRIBUTION'];

const instanceId: ActionInput = { type: 'string', required: true, summary: 'The instance to act on.' };

/** What actions answer that run something on the instance. */
const commandOutputs = {
  runCommandId: { type: 'string', summary: 'Id of this run, as it appears in the log.' },
  status: { type: 'string', summary: '`Success`, or `Failed` when the step failed.' },
  output: { type: 'string', summary: 'What the run had to say, as text.' },
} as const satisfies Record<string, ActionOutput>;

export const WORKFLOW_ACTIONS = {
  LaunchInstance: {
    summary: 'Boots an instance and waits until it takes commands.',
    stages: EVERY_STAGE,
    defaultTimeoutSeconds: minutes(75),
    maxTimeoutSeconds: minutes(720),
    inputs: {
      waitFor: { type: 'string', required: true, allowed: ['ssmAgent'], summary: 'When the instance counts as ready.' },
      healthCheck: {
        type: 'string',
        required: false,
        allowed: ['RUNNING', 'STATUS_CHECK_PASSED'],
        summary: 'Both mean: it takes commands. An instance that does has passed every check there is.',
      },
      imageIdOverride: {
        type: 'string',
        required: false,
        summary: 'AMI to boot. Default: the parent image in build workflows, the new AMI in test workflows.',
      },
      instanceTypesOverride: {
        type: 'stringList',
        required: false,
        summary: 'Instance types to try in order. Default: those of the infrastructure configuration.',
      },
    },
    outputs: { instanceId: { type: 'string', summary: 'The instance.' } },
  },
  ExecuteComponents: {
    summary: 'Runs the components of the recipe: phases build and validate in build workflows, test in test workflows.',
    stages: ['BUILD', 'TEST'],
    defaultTimeoutSeconds: minutes(720),
    maxTimeoutSeconds: hours(24),
    inputs: { instanceId },
    outputs: commandOutputs,
  },
  CollectImageMetadata: {
    summary: 'Reads the version of the operating system and the list of installed packages.',
    stages: EVERY_STAGE,
    defaultTimeoutSeconds: minutes(30),
    maxTimeoutSeconds: minutes(720),
    inputs: { instanceId },
    outputs: { osVersion: { type: 'string', summary: 'Name and version, e.g. `Debian GNU/Linux 12`.' } },
  },
  SanitizeInstance: {
    summary: 'Removes what must not be in an image: keys, host identity, logs and the traces of the build.',
    stages: EVERY_STAGE,
    defaultTimeoutSeconds: minutes(60),
    maxTimeoutSeconds: minutes(720),
    inputs: { instanceId },
    outputs: commandOutputs,
  },
  CreateImage: {
    summary: 'Stops the instance and makes an AMI of its root disk.',
    stages: EVERY_STAGE,
    defaultTimeoutSeconds: minutes(720),
    maxTimeoutSeconds: days(3),
    inputs: { instanceId },
    outputs: { imageId: { type: 'string', summary: 'The AMI.' } },
  },
  TerminateInstance: {
    summary: 'Ends an instance and removes its disks.',
    stages: EVERY_STAGE,
    defaultTimeoutSeconds: minutes(30),
    maxTimeoutSeconds: minutes(720),
    inputs: {
      instanceId,
      waitForTermination: {
        type: 'boolean',
        required: false,
        summary: 'Kiln always waits: an instance is gone when the step ends.',
      },
    },
    outputs: {},
  },
} as const satisfies Record<string, ActionDefinition>;

export type WorkflowActionName = keyof typeof WORKFLOW_ACTIONS;

/** Actions that AWS has and Kiln does not have yet: refused by name. */
export const ACTIONS_NOT_YET: readonly string[] = [
  'ApplyImageConfigurations',
  'BootstrapInstanceForContainer',
  'CollectImageScanFindings',
  'CreateImageFromIso',
  'DistributeContainerImage',
  'DistributeImage',
  'ExecuteStateMachine',
  'ModifyImageAttributes',
  'RegisterImage',
  'RunCommand',
  'RunSysPrep',
  'WaitForAction',
  'WaitForSSMAgent',
];

/** The definition of an action, widened for code that handles them all alike. */
export function workflowAction(name: WorkflowActionName): ActionDefinition {
  return WORKFLOW_ACTIONS[name];
}

export function isWorkflowAction(name: string): name is WorkflowActionName {
  return Object.hasOwn(WORKFLOW_ACTIONS, name);
}
