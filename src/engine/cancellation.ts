import type { ImageRow } from '../state/find-resource.ts';
import { watchCancellation } from '../state/watch-cancellation.ts';
import type { Engine } from './engine.ts';
import { BuildCancelled } from './failure.ts';

export interface Cancellation {
  /** Aborts with a BuildCancelled: by CancelImageCreation, or because this process is to end. */
  readonly signal: AbortSignal;
  /** Ends the watch. */
  end(): Promise<void>;
}

/** @param image As it was claimed. */
export function watchForCancellation({ db }: Engine, image: ImageRow, stop: AbortSignal): Cancellation {
  const requested = new AbortController();
  const watch = new AbortController();
  const cancel = (): void =>
    requested.abort(new BuildCancelled('The image creation was cancelled (CancelImageCreation).'));
  // Asked for while nobody worked on it: nothing more is to be begun.
  if (image.cancel_requested_at !== null) cancel();
  const watching = watchCancellation(db, image.arn, cancel, watch.signal);
  return {
    signal: AbortSignal.any([stop, requested.signal]),
    end: async () => {
      watch.abort();
      await watching;
    },
  };
}
