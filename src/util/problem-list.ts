import { InvalidDocumentError, type Problem, type SourcePosition } from './problem.ts';

/** More help nobody, and a hostile document must not make a report larger than itself. */
const MAX_PROBLEMS = 100;

/** Collects what is wrong in one document while it is read. */
export class ProblemList {
  readonly #file: string;
  readonly #problems: Problem[] = [];
  #count = 0;

  /** @param file How problems name the document: a file as the caller wrote it, or a resource name. */
  constructor(file: string) {
    this.#file = file;
  }

  add(position: SourcePosition, message: string, hint?: string): void {
    this.#count++;
    if (this.#problems.length >= MAX_PROBLEMS) return;
    const problem = { file: this.#file, position, message };
    this.#problems.push(hint === undefined ? problem : { ...problem, hint });
  }

  /** How many were added, kept or not: compare before and after to learn whether a part was right. */
  get count(): number {
    return this.#count;
  }

  /** In the order of the document. */
  get problems(): readonly Problem[] {
    return this.#problems.toSorted(
      (a, b) => a.position.line - b.position.line || a.position.column - b.position.column,
    );
  }

  /** Throws an {@link InvalidDocumentError} with all problems when there are any. */
  throwIfAny(): void {
    if (this.#count > 0) throw new InvalidDocumentError(this.problems);
  }
}
