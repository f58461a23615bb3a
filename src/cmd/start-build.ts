import {
  CreateImageCommand,
  type CreateImageCommandInput,
  type ImagebuilderClient,
  StartImagePipelineExecutionCommand,
} from '@aws-sdk/client-imagebuilder';
import type { AppliedTemplate } from '../template/apply-template.ts';
import { BuilderFault } from '../util/faults.ts';
import type { BuildChoice } from './choose-build.ts';

/** Asks the service for the build. Gives the image build version ARN. */
export async function startBuild(
  client: ImagebuilderClient,
  choice: BuildChoice,
  applied: AppliedTemplate,
  abortSignal: AbortSignal,
): Promise<string> {
  const answer =
    choice.kind === 'image'
      ? await client.send(new CreateImageCommand(imageInput(choice, applied)), { abortSignal })
      : await client.send(new StartImagePipelineExecutionCommand(pipelineInput(choice, applied)), { abortSignal });
  if (answer.imageBuildVersionArn === undefined) throw new BuilderFault('The service gave no ARN for the build.');
  return answer.imageBuildVersionArn;
}

function imageInput({ logicalId }: BuildChoice, { images }: AppliedTemplate): CreateImageCommandInput {
  const image = images.find((candidate) => candidate.logicalId === logicalId);
  // The plan checked it against the schema from which this type is made.
  return { ...image?.input } as unknown as CreateImageCommandInput;
}

function pipelineInput({ logicalId }: BuildChoice, { resources }: AppliedTemplate): { imagePipelineArn: string } {
  return { imagePipelineArn: resources.find((resource) => resource.logicalId === logicalId)?.arn ?? '' };
}
