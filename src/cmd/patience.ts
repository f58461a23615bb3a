/** A signal that aborts some time after another one. Who makes it disposes of it. */
export interface Patience extends Disposable {
  readonly signal: AbortSignal;
}

/**
 * For a request that must not be broken off halfway: its answer names what has to be taken back after an interruption.
 *
 * @param milliseconds how long the answer is still awaited when `signal` has aborted
 */
export function patienceAfter(signal: AbortSignal, milliseconds: number): Patience {
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    timer = setTimeout(() => late.abort(signal.reason), milliseconds);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  return {
    signal: late.signal,
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    },
  };
}
