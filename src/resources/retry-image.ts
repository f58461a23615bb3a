import { AwsError, notFound } from '../contract/errors.ts';
import type { InputOf, OutputOf } from '../contract/operations.ts';
import { findImage } from '../state/find-resource.ts';
import { retryImage as retry } from '../state/transitions/retry-image.ts';
import { changeOnce } from './idempotency.ts';
import { checkBuildQuota } from './quotas.ts';
import type { Service } from './service.ts';

/**
 * The same build version goes back to the phase in which it ended, tests or distribution; what comes before is not done
 * again. A build that ended before goes on at the step that failed if its instance was kept, or begins anew at a checkpoint,
 * which AWS does not do; without both it has nothing to go back to. Source: API Reference, RetryImage.
 */
export async function retryImage(service: Service, input: InputOf<'RetryImage'>): Promise<OutputOf<'RetryImage'>> {
  const { imageBuildVersionArn: imageArn } = input;
  return changeOnce(service, 'RetryImage', input, async (trx) => {
    const found = await findImage(trx, imageArn);
    if (found?.account_id !== service.accountId) throw notFound('imageBuildVersionArn', imageArn);
    const answer = await retry(trx, {
      ...{ imageArn, jobs: service.jobs, at: service.clock.now() },
      hasCheckpoint: (keys) => service.checkpoints.hasForRetry(found, keys),
    });
    switch (answer.kind) {
      case 'not-found':
        throw notFound('imageBuildVersionArn', imageArn);
      case 'not-ended':
        throw refused(`Only an image that is FAILED or CANCELLED can be retried; '${imageArn}' is ${answer.status}.`);
      case 'too-early':
        throw refused(
          `The image '${imageArn}' ended in ${answer.stage}. Images that failed in their tests or distribution can be retried, and those whose instance was kept or of whose disk a checkpoint is there; of this one there is neither: build it anew.`,
        );
      case 'retried':
        await checkBuildQuota(service, trx);
        return { imageBuildVersionArn: imageArn };
      default:
        return answer satisfies never;
    }
  });
}

function refused(message: string): AwsError {
  return new AwsError('InvalidRequestException', message);
}
