import { EXIT } from './exit-codes.ts';

/** The reason with which the signal of a command aborts. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';

  constructor(by: NodeJS.Signals) {
    super(`interrupted by ${by}`);
  }
}

/** Interruptions that follow at once are one: `timeout` and terminals send a signal to a process and to its group. */
const SAME_INTERRUPTION_MS = 300;

/**
 * A signal that Ctrl-C and SIGTERM abort, so that the command can clean up. The second interruption ends the process
 * at once; what is left then is found by the next start.
 */
export function interruptions(): AbortSignal {
  const controller = new AbortController();
  let first = 0;
  const onSignal = (by: NodeJS.Signals): void => {
    if (!controller.signal.aborted) {
      first = performance.now();
      controller.abort(new InterruptedError(by));
    } else if (performance.now() - first > SAME_INTERRUPTION_MS) {
      process.exit(EXIT.interrupted);
    }
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  process.on('SIGHUP', onSignal);
  return controller.signal;
}
