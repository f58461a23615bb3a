import type { WorkflowDocument, WorkflowValue } from '../documents/workflow.ts';
import type { WorkflowType } from '../documents/workflow-actions.ts';
import type { ReferenceScope, SystemVariable } from '../documents/workflow-references.ts';
import type { BuildPlan, PlannedWorkflow } from './build-plan.ts';

const PHASES: Readonly<Record<WorkflowType, string>> = { BUILD: 'Build', TEST: 'Test', DISTRIBUTION: 'Distribution' };

/**
 * What the references of a workflow resolve against when it starts: its parameters, the outputs of the workflows before
 * it, and the system variables. Variables of things that Kiln does not have (subnets, S3 logs) have no value.
 */
export function initialScope(
  plan: BuildPlan,
  { document, parameters }: PlannedWorkflow,
  workflowOutputs: Readonly<Record<string, WorkflowValue>>,
): ReferenceScope {
  return { parameters, stepOutputs: {}, workflowOutputs, imagebuilder: variables(plan, document) };
}

/** Source: EC2 Image Builder User Guide, "Use dynamic variables in your workflow document". */
function variables(plan: BuildPlan, document: WorkflowDocument): Partial<Record<SystemVariable, WorkflowValue>> {
  return {
    cloudWatchLogGroup: plan.log.groupName,
    cloudWatchLogStream: plan.log.stream,
    collectImageMetadata: plan.collectMetadata,
    collectImageScanFindings: false,
    imageBuildNumber: plan.buildNumber,
    imageId: plan.parent.amiId,
    imageName: plan.imageName,
    imageType: 'AMI',
    imageVersionNumber: plan.version,
    instanceProfileName: plan.instanceProfileName,
    platform: plan.platform === 'macOS' ? 'MacOS' : plan.platform,
    sourceImageARN: plan.imageArn,
    terminateInstanceOnFailure: plan.terminateInstanceOnFailure,
    workflowPhase: PHASES[document.type],
    workingDirectory: plan.workingDirectory,
  };
}
