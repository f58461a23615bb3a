/**
 * Step actions of workflow documents, as data, one file each: the parser checks documents against this table, the engine
 * runs by it and the manual is written from it. Source: EC2 Image Builder User Guide, "Supported step actions for your
 * workflow document".
 */
import { applyImageConfigurations } from './workflow-actions/apply-image-configurations.ts';
import { collectImageMetadata } from './workflow-actions/collect-image-metadata.ts';
import { createImage } from './workflow-actions/create-image.ts';
import type { ActionDefinition } from './workflow-actions/definition.ts';
import { distributeImage } from './workflow-actions/distribute-image.ts';
import { executeComponents } from './workflow-actions/execute-components.ts';
import { executeStateMachine } from './workflow-actions/execute-state-machine.ts';
import { launchInstance } from './workflow-actions/launch-instance.ts';
import { modifyImageAttributes } from './workflow-actions/modify-image-attributes.ts';
import { registerImage } from './workflow-actions/register-image.ts';
import { runCommand } from './workflow-actions/run-command.ts';
import { runSysPrep } from './workflow-actions/run-sys-prep.ts';
import { sanitizeInstance } from './workflow-actions/sanitize-instance.ts';
import { terminateInstance } from './workflow-actions/terminate-instance.ts';
import { waitForAction } from './workflow-actions/wait-for-action.ts';
import { waitForSsmAgent } from './workflow-actions/wait-for-ssm-agent.ts';

export type {
  ActionDefinition,
  ActionInput,
  ActionOutput,
  ActionValueType,
  WorkflowType,
  WorkflowValueType,
} from './workflow-actions/definition.ts';

export const WORKFLOW_ACTIONS = {
  LaunchInstance: launchInstance,
  ExecuteComponents: executeComponents,
  CollectImageMetadata: collectImageMetadata,
  SanitizeInstance: sanitizeInstance,
  RunSysPrep: runSysPrep,
  RunCommand: runCommand,
  CreateImage: createImage,
  RegisterImage: registerImage,
  TerminateInstance: terminateInstance,
  WaitForSSMAgent: waitForSsmAgent,
  WaitForAction: waitForAction,
  ExecuteStateMachine: executeStateMachine,
  DistributeImage: distributeImage,
  ModifyImageAttributes: modifyImageAttributes,
  ApplyImageConfigurations: applyImageConfigurations,
} as const satisfies Record<string, ActionDefinition>;

export type WorkflowActionName = keyof typeof WORKFLOW_ACTIONS;

/** Actions that AWS has and Kiln does not have yet: refused by name. */
export const ACTIONS_NOT_YET: readonly string[] = [
  'BootstrapInstanceForContainer',
  'CollectImageScanFindings',
  'CreateImageFromIso',
  'DistributeContainerImage',
];

/** The definition of an action, widened for code that handles them all alike. */
export function workflowAction(name: WorkflowActionName): ActionDefinition {
  return WORKFLOW_ACTIONS[name];
}

export function isWorkflowAction(name: string): name is WorkflowActionName {
  return Object.hasOwn(WORKFLOW_ACTIONS, name);
}
