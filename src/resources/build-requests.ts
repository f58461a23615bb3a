/** What CreateImage and pipelines have in common: which image to build, where, and how to test it. */
import type { ImageTestsConfiguration, WorkflowConfiguration } from '@aws-sdk/client-imagebuilder';
import { AwsError } from '../contract/errors.ts';
import type { Validated } from '../contract/operations.ts';
import { checkWorkflowList } from './workflow-configurations.ts';

export interface BuildRequest {
  readonly imageRecipeArn?: string | undefined;
  readonly containerRecipeArn?: string | undefined;
  readonly infrastructureConfigurationArn: string;
  readonly distributionConfigurationArn?: string | undefined;
  readonly imageTestsConfiguration?: ImageTestsConfiguration | undefined;
  readonly enhancedImageMetadataEnabled?: boolean | undefined;
  readonly workflows?: readonly Validated<WorkflowConfiguration>[] | undefined;
  readonly executionRole?: string | undefined;
}

/** Container recipes were refused before, so this is the only recipe there can be. */
export function checkBuildRequest(request: BuildRequest): void {
  if (request.imageRecipeArn === undefined) {
    throw new AwsError(
      'InvalidParameterCombinationException',
      "Exactly one of the parameters 'imageRecipeArn' and 'containerRecipeArn' must be given.",
    );
  }
  checkWorkflowList(request.workflows, request.executionRole);
}

/** With AWS's defaults. The timeout has no effect, there or here. */
export function imageTestsConfiguration({ imageTestsConfiguration: given }: BuildRequest): {
  imageTestsEnabled: boolean;
  timeoutMinutes: number;
} {
  return { imageTestsEnabled: given?.imageTestsEnabled ?? true, timeoutMinutes: given?.timeoutMinutes ?? 720 };
}
