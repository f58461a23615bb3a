const never = new Promise<never>(() => {});

/** How much more happens to what has an effect outside than to a query: there are many of those. */
const WEIGHT_OF_ACT = 5;

/** Of a process within this one: what passes does so only while it lives, and waits while it is frozen. */
export class Life {
  #dead = false;
  #frozen: PromiseWithResolvers<void> | undefined;
  readonly #onUse: (weight: number) => void;
  readonly #underWay = new Set<Promise<unknown>>();

  /** @param onUse Called before each use, with how much it counts. */
  constructor(onUse: (weight: number) => void) {
    this.#onUse = onUse;
  }

  get isFrozen(): boolean {
    return this.#frozen !== undefined;
  }

  kill(): void {
    this.#dead = true;
    this.thaw();
  }

  freeze(): void {
    this.#frozen ??= Promise.withResolvers();
  }

  thaw(): void {
    this.#frozen?.resolve();
    this.#frozen = undefined;
  }

  /** Resolves when what was under way is over, well or not. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }

  async #pass(): Promise<void> {
    while (this.#frozen !== undefined) await this.#frozen.promise;
    if (this.#dead) await never;
  }

  /** @param signal Also of who is dead something ends with it that waits: its timers are not to keep the process. */
  use<Result>(work: () => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    return this.#useUntil(work, 1, signal);
  }

  /** As {@link use}, of what has an effect outside the database. */
  act<Result>(work: () => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    return this.#useUntil(work, WEIGHT_OF_ACT, signal);
  }

  #useUntil<Result>(work: () => Promise<Result>, weight: number, signal?: AbortSignal): Promise<Result> {
    if (signal === undefined) return this.#use(work, weight);
    const aborted = Promise.withResolvers<never>();
    const abort = (): void => {
      if (this.#dead) aborted.reject(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    return Promise.race([this.#use(work, weight), aborted.promise]).finally(() =>
      signal.removeEventListener('abort', abort),
    );
  }

  async #use<Result>(work: () => Promise<Result>, weight: number): Promise<Result> {
    // Only who lives uses something.
    await this.#pass();
    this.#onUse(weight);
    await this.#pass();
    const working = work();
    this.#underWay.add(working);
    try {
      return await working;
    } finally {
      this.#underWay.delete(working);
      await this.#pass();
    }
  }
}
