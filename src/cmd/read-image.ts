import type { OutputOf } from '../contract/operations.ts';
import { BOOTED_BECAUSE_TAG, RAN_ON_TAG } from '../engine/steps/executor-record.ts';
import type { FailedComponent, RanOn } from './display/build-outcome.ts';
import { callOperation, type ServiceAddress } from './service-client.ts';

export interface BuiltImage {
  readonly reason: string | undefined;
  readonly amiId: string | undefined;
  /** Of its recipe; undefined for a container image. */
  readonly parentImage: string | undefined;
  /** Set when a component step failed. */
  readonly failure: FailedComponent | undefined;
  /** Undefined when no component ran. */
  readonly ranOn: RanOn | undefined;
}

/** What the record of a build says about its beginning and its end. */
export async function readImage(
  address: ServiceAddress,
  imageBuildVersionArn: string,
  signal: AbortSignal,
): Promise<BuiltImage> {
  // The failure context is newer than the SDK's client.
  const answer = await callOperation(address, 'GetImage', { imageBuildVersionArn }, signal);
  const { image } = answer as OutputOf<'GetImage'>;
  const executors = image?.tags?.[RAN_ON_TAG];
  const failed = image?.state?.failureContext?.componentFailure;
  return {
    reason: image?.state?.reason,
    parentImage: image?.imageRecipe?.parentImage,
    amiId: image?.outputResources?.amis?.[0]?.image,
    ranOn: executors === undefined ? undefined : { executors, because: image?.tags?.[BOOTED_BECAUSE_TAG] },
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
