import {
  CreateImageCommand,
  type CreateImageCommandInput,
  type ImagebuilderClient,
  StartImagePipelineExecutionCommand,
  type StartImagePipelineExecutionCommandInput,
} from '@aws-sdk/client-imagebuilder';
import type { AppliedTemplate } from '../template/apply-template.ts';
import { BuilderFault } from '../util/faults.ts';
import type { BuildChoice } from './choose-build.ts';
import { patienceAfter } from './patience.ts';

/** How long an answer is awaited that an interruption crosses. */
export const ANSWER_MS = 10_000;

/**
 * Asks the service for the build of an image with these tags beside its own. Gives the image build version ARN, also when
 * `signal` aborts while the service answers: then the build has begun, and is for the caller to cancel.
 */
export async function startBuild(
  client: ImagebuilderClient,
  choice: BuildChoice,
  applied: AppliedTemplate,
  tags: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<string> {
  signal.throwIfAborted();
  using patience = patienceAfter(signal, ANSWER_MS);
  const abortSignal = patience.signal;
  const answer =
    choice.kind === 'image'
      ? await client.send(new CreateImageCommand(withTags(imageInput(choice, applied), tags)), { abortSignal })
      : await client.send(new StartImagePipelineExecutionCommand(withTags(pipelineInput(choice, applied), tags)), {
          abortSignal,
        });
  if (answer.imageBuildVersionArn === undefined) throw new BuilderFault('The service gave no ARN for the build.');
  return answer.imageBuildVersionArn;
}

function withTags<Input extends { readonly tags?: Record<string, string> | undefined }>(
  input: Input,
  added: Readonly<Record<string, string>>,
): Input {
  return Object.keys(added).length === 0 ? input : { ...input, tags: { ...input.tags, ...added } };
}

function imageInput({ logicalId }: BuildChoice, { images }: AppliedTemplate): CreateImageCommandInput {
  const image = images.find((candidate) => candidate.logicalId === logicalId);
  // The plan checked it against the schema from which this type is made.
  return { ...image?.input } as unknown as CreateImageCommandInput;
}

function pipelineInput(
  { logicalId }: BuildChoice,
  { resources }: AppliedTemplate,
): StartImagePipelineExecutionCommandInput {
  return { imagePipelineArn: resources.find((resource) => resource.logicalId === logicalId)?.arn ?? '' };
}
