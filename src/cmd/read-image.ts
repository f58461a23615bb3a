import type { OutputOf } from '../contract/operations.ts';
import type { FailedComponent } from './display/build-outcome.ts';
import { getRaw, type ServiceAddress } from './service-client.ts';

export interface BuiltImage {
  readonly reason: string | undefined;
  readonly amiId: string | undefined;
  /** Set when a component step failed. */
  readonly failure: FailedComponent | undefined;
}

/** What the record of a build says about its end. */
export async function readImage(
  address: ServiceAddress,
  imageBuildVersionArn: string,
  signal: AbortSignal,
): Promise<BuiltImage> {
  // The failure context is newer than the SDK's client.
  const answer = await getRaw(address, 'GetImage', { imageBuildVersionArn }, signal);
  const { image } = answer as OutputOf<'GetImage'>;
  const failed = image?.state?.failureContext?.componentFailure;
  return {
    reason: image?.state?.reason,
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
