export interface Periodic extends AsyncDisposable {
  /** Works at once, or once more after the present time. */
  wake(): void;
  /** Works no more; resolves when the present time has ended. May be called twice. */
  close(): Promise<void>;
}

/**
 * Does something again and again, never twice at once: `intervalMs` after its last end, or when it is woken. `work` may
 * throw: `onError` is told, and it is tried again. Its signal aborts when the work is to end.
 */
export function periodically(
  work: (signal: AbortSignal) => Promise<void>,
  { intervalMs, onError }: { readonly intervalMs: number; readonly onError: (error: unknown) => void },
): Periodic {
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let again = false;
  const begin = (): void => {
    clearTimeout(timer);
    again = false;
    running = work(stopping.signal)
      .catch((error: unknown) => {
        if (!stopping.signal.aborted) onError(error);
      })
      .finally(() => {
        running = undefined;
        if (stopping.signal.aborted) return;
        if (again) begin();
        else timer = setTimeout(begin, intervalMs);
      });
  };
  const close = async (): Promise<void> => {
    stopping.abort(new Error('stopping'));
    clearTimeout(timer);
    await running;
  };
  begin();
  return {
    wake: () => {
      if (stopping.signal.aborted) return;
      again = true;
      if (running === undefined) begin();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
