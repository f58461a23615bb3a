import type { Monitor } from '../util/monitor.ts';

export interface InvocationContext {
  readonly signal: AbortSignal;
  /** Gets what the function says. */
  readonly monitor: Monitor;
}

/** Functions that workflows call, as AWS Lambda has them. */
export interface Functions {
  /**
   * Hands an event to a function. Resolves when the function has taken it: a function of this machine when it has ended
   * well, one of a service when that has accepted the event.
   *
   * Rejects with a BuildFailure when there is no such function, when it crashed, answered garbage, or did not end in its
   * time, and with the signal's reason after an abort.
   *
   * @param name A name or an ARN of a function.
   * @param event JSON.
   */
  invoke(name: string, event: string, context: InvocationContext): Promise<void>;
  /** As {@link Functions.invoke}, and waits for the answer of the function, which is JSON. */
  call(name: string, event: string, context: InvocationContext): Promise<string>;
}
