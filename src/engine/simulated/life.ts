const never = new Promise<never>(() => {});

/** Of a process within this one: what passes does so only while it lives, and waits while it is frozen. */
export class Life {
  #dead = false;
  #frozen: PromiseWithResolvers<void> | undefined;
  readonly #onUse: () => void;
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(onUse: () => void) {
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
    if (signal === undefined) return this.#use(work);
    const aborted = Promise.withResolvers<never>();
    const abort = (): void => {
      if (this.#dead) aborted.reject(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    return Promise.race([this.#use(work), aborted.promise]).finally(() => signal.removeEventListener('abort', abort));
  }

  async #use<Result>(work: () => Promise<Result>): Promise<Result> {
    // Only who lives uses something.
    await this.#pass();
    this.#onUse();
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
