/** A timer cannot be set further ahead than this. */
const LONGEST_MS = 2 ** 31 - 1;

/** The time of one attempt was over. */
export class StepTimeoutError extends Error {
  override readonly name = 'StepTimeoutError';
}

/** Aborts {@link signal} when the run is aborted or when the attempt has taken too long. */
export class AttemptTimer {
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #seconds: number;
  #timer: NodeJS.Timeout | undefined;

  /** @param seconds -1 for no limit. */
  constructor(seconds: number, run: AbortSignal) {
    this.#seconds = seconds;
    this.signal = AbortSignal.any([run, this.#controller.signal]);
    this.restart();
  }

  /** Begins anew: the time that a reboot took is not the step's. */
  restart(): void {
    this.stop();
    if (this.#seconds < 0) return;
    const reason = new StepTimeoutError(`timed out after ${this.#seconds} s`);
    this.#timer = setTimeout(() => this.#controller.abort(reason), Math.min(this.#seconds * 1000, LONGEST_MS));
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Set when the time was over. */
  get expired(): StepTimeoutError | undefined {
    const { signal } = this.#controller;
    return signal.aborted && signal.reason instanceof StepTimeoutError ? signal.reason : undefined;
  }
}
