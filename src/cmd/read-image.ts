import { GetImageCommand, type ImagebuilderClient } from '@aws-sdk/client-imagebuilder';
import type { ImageFailureContext } from '../contract/newer-members.types.ts';
import type { FailedComponent } from './display/build-outcome.ts';

export interface BuiltImage {
  readonly reason: string | undefined;
  readonly amiId: string | undefined;
  /** Set when a component step failed. */
  readonly failure: FailedComponent | undefined;
}

/** What the record of a build says about its end. */
export async function readImage(client: ImagebuilderClient, imageBuildVersionArn: string): Promise<BuiltImage> {
  const { image } = await client.send(new GetImageCommand({ imageBuildVersionArn }));
  // Newer than the client's types; its deserialiser lets members through that it does not know.
  const state: { readonly reason?: string | undefined; readonly failureContext?: ImageFailureContext } | undefined =
    image?.state;
  const failed = state?.failureContext?.componentFailure;
  return {
    reason: state?.reason,
    amiId: image?.outputResources?.amis?.[0]?.image,
    failure:
      failed === undefined
        ? undefined
        : {
            componentArn: failed.componentArn ?? '',
            phaseName: failed.phaseName ?? '',
            stepName: failed.stepName ?? '',
            action: failed.action ?? '',
            errorMessage: failed.errorMessage ?? '',
          },
  };
}
