import { watchCancellation } from '../state/watch-cancellation.ts';
import type { Engine } from './engine.ts';
import { BuildCancelled } from './failure.ts';

export interface Cancellation {
  /** Aborts with a BuildCancelled: by CancelImageCreation, or because this process is to end. */
  readonly signal: AbortSignal;
  /** Ends the watch. */
  end(): Promise<void>;
}

export function watchForCancellation({ db }: Engine, imageArn: string, stop: AbortSignal): Cancellation {
  const requested = new AbortController();
  const watch = new AbortController();
  const watching = watchCancellation(
    db,
    imageArn,
    () => requested.abort(new BuildCancelled('The image creation was cancelled (CancelImageCreation).')),
    watch.signal,
  );
  return {
    signal: AbortSignal.any([stop, requested.signal]),
    end: async () => {
      watch.abort();
      await watching;
    },
  };
}
