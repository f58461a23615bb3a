import type { WorkflowActionName } from '../../documents/workflow-actions.ts';
import { collectImageMetadata } from './collect-image-metadata.ts';
import { createImage } from './create-image.ts';
import { executeComponents } from './execute-components.ts';
import { launchInstance } from './launch-instance.ts';
import { sanitizeInstance } from './sanitize-instance.ts';
import type { StepAction } from './step-action.ts';
import { terminateInstance } from './terminate-instance.ts';

export const STEP_ACTIONS: Readonly<Record<WorkflowActionName, StepAction>> = {
  LaunchInstance: launchInstance,
  ExecuteComponents: executeComponents,
  CollectImageMetadata: collectImageMetadata,
  SanitizeInstance: sanitizeInstance,
  CreateImage: createImage,
  TerminateInstance: terminateInstance,
};
