import { AwsError, notFound } from '../contract/errors.ts';
import type { InputOf, OutputOf } from '../contract/operations.ts';
import { findImage } from '../state/find-resource.ts';
import { requestImageCancellation } from '../state/transitions/request-image-cancellation.ts';
import { changeOnce } from './idempotency.ts';
import type { Service } from './service.ts';

/**
 * A build that nobody has begun is CANCELLED at once; of one that runs the worker is told, and the image is CANCELLED
 * when everything of it is cleaned up. An image that has ended is refused (docs/decisions/032-choices-of-errors.md).
 */
export async function cancelImageCreation(
  service: Service,
  input: InputOf<'CancelImageCreation'>,
): Promise<OutputOf<'CancelImageCreation'>> {
  const { imageBuildVersionArn: imageArn } = input;
  return changeOnce(service, 'CancelImageCreation', input, async (trx) => {
    const answer = await requestImageCancellation(trx, { imageArn, at: service.clock.now() }, service.jobs);
    if (answer === 'not-found') throw notFound('imageBuildVersionArn', imageArn);
    if (answer === 'ended') {
      const image = await findImage(trx, imageArn);
      throw new AwsError(
        'InvalidRequestException',
        `The image '${imageArn}' cannot be cancelled: its build has ended (${image?.status}).`,
      );
    }
    return { imageBuildVersionArn: imageArn };
  });
}
