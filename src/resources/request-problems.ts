import { AwsError } from '../contract/errors.ts';

/** As many as contract/decode.ts tells. */
const MAX_TOLD = 20;

/**
 * What is wrong with a request beyond its single members, so that one answer tells all of it, a line each. The error is
 * the one of the first problem: clients decide by it, people read the rest.
 */
export class RequestProblems {
  readonly #found: AwsError[] = [];

  get all(): readonly AwsError[] {
    return this.#found;
  }

  /** Whether there are more than are told: then nobody needs to look for others, which may be very many. */
  get isFull(): boolean {
    return this.#found.length > MAX_TOLD;
  }

  add(problem: AwsError): void {
    this.#found.push(problem);
  }

  /** Runs a check that throws one problem, and goes on. Undefined when it did. What is no refusal is thrown on. */
  attempt<Result>(check: () => Result): Result | undefined {
    try {
      return check();
    } catch (error) {
      this.#keep(error);
      return undefined;
    }
  }

  /** As {@link attempt}, for a check that waits for something. */
  async collect<Result>(check: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await check();
    } catch (error) {
      this.#keep(error);
      return undefined;
    }
  }

  throwIfAny(): void {
    const [first] = this.#found;
    if (first === undefined) return;
    const messages = [...new Set(this.#found.map(({ message }) => message))];
    const told = messages.slice(0, MAX_TOLD);
    if (messages.length > told.length) told.push(`There are ${messages.length - told.length} more problems.`);
    throw new AwsError(first.name, told.join('\n'), { members: this.#found.flatMap(({ members }) => members) });
  }

  #keep(error: unknown): void {
    if (!(error instanceof AwsError) || error.httpStatus >= 500) throw error;
    this.add(error);
  }
}
