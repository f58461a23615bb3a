import type { WorkflowActionName } from '../../documents/workflow-actions.ts';
import { applyImageConfigurations } from './apply-image-configurations.ts';
import { collectImageMetadata } from './collect-image-metadata.ts';
import { createImage } from './create-image.ts';
import { distributeImage } from './distribute-image.ts';
import { executeComponents } from './execute-components.ts';
import { executeStateMachine } from './execute-state-machine.ts';
import { launchInstance } from './launch-instance.ts';
import { modifyImageAttributes } from './modify-image-attributes.ts';
import { registerImage } from './register-image.ts';
import { runCommand } from './run-command.ts';
import { runSysPrep } from './run-sys-prep.ts';
import { sanitizeInstance } from './sanitize-instance.ts';
import type { StepAction } from './step-action.ts';
import { terminateInstance } from './terminate-instance.ts';
import { waitForAction } from './wait-for-action.ts';
import { waitForSsmAgent } from './wait-for-ssm-agent.ts';

export const STEP_ACTIONS: Readonly<Record<WorkflowActionName, StepAction>> = {
  LaunchInstance: launchInstance,
  ExecuteComponents: executeComponents,
  CollectImageMetadata: collectImageMetadata,
  SanitizeInstance: sanitizeInstance,
  CreateImage: createImage,
  RunSysPrep: runSysPrep,
  RunCommand: runCommand,
  RegisterImage: registerImage,
  TerminateInstance: terminateInstance,
  WaitForSSMAgent: waitForSsmAgent,
  WaitForAction: waitForAction,
  ExecuteStateMachine: executeStateMachine,
  DistributeImage: distributeImage,
  ModifyImageAttributes: modifyImageAttributes,
  ApplyImageConfigurations: applyImageConfigurations,
};
