import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Runs `work` with a signal that aborts with `reason()` after `seconds`, or with the outer signal's reason before that.
 * Rejects with that reason, whatever `work` made of it, and only after `work` has ended: what it held is released then.
 */
export async function withTimeout<T>(
  seconds: number,
  outer: AbortSignal,
  reason: () => Error,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  outer.throwIfAborted();
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(reason()), seconds * 1000);
  // Of a build that is to end, no timer keeps the process alive for the hours that a step may take.
  const onOuter = (): void => clearTimeout(timer);
  outer.addEventListener('abort', onOuter, { once: true });
  const signal = AbortSignal.any([outer, timeout.signal]);
  try {
    return await work(signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw error;
  } finally {
    clearTimeout(timer);
    outer.removeEventListener('abort', onOuter);
  }
}

/** Waits; rejects with the signal's reason after an abort. */
export async function pause(seconds: number, signal: AbortSignal): Promise<void> {
  if (seconds === 0) return;
  await sleep(seconds * 1000, undefined, { signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw error;
  });
}
