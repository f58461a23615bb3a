import type { ClaimWatches } from '../state/claim-watches.ts';
import type { ImageRow } from '../state/find-resource.ts';
import type { ImageClaim } from '../state/transitions/claim.ts';
import { BuildCancelled } from './failure.ts';

export interface Cancellation {
  /**
   * Aborts with a BuildCancelled: by CancelImageCreation, or because this process is to end. With a ClaimLostError when
   * somebody else has the image.
   */
  readonly signal: AbortSignal;
  /** Ends the watch. */
  end(): Promise<void>;
}

/** @param image As it was claimed. */
export function watchForCancellation(
  watches: ClaimWatches,
  claim: ImageClaim,
  image: ImageRow,
  stop: AbortSignal,
): Cancellation {
  const requested = new AbortController();
  const watch = new AbortController();
  const onCancel = (): void =>
    requested.abort(new BuildCancelled('The image creation was cancelled (CancelImageCreation).'));
  // Asked for while nobody worked on it: nothing more is to be begun.
  if (image.cancel_requested_at !== null) onCancel();
  const onLost = (error: Error): void => requested.abort(error);
  const watching = watches.watch(claim, { onCancel, onLost }, watch.signal);
  return {
    signal: AbortSignal.any([stop, requested.signal]),
    end: async () => {
      watch.abort();
      await watching;
    },
  };
}
