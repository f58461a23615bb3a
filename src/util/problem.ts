/**
 * Problems of documents that people write (component, workflow and template YAML): collected, never thrown one by one,
 * so that the author mends the document in one go.
 */

/** A place in a document. Lines and columns start at 1. */
export interface SourcePosition {
  readonly line: number;
  readonly column: number;
}

/** One thing that is wrong in a document, and what would be right. */
export interface Problem {
  /** The file as the caller named it, or a resource name when the text came by the API. */
  readonly file: string;
  readonly position: SourcePosition;
  /** What is wrong, in one sentence without the place. */
  readonly message: string;
  /** What is allowed at this place, or a "did you mean". */
  readonly hint?: string;
}

/** `file:line:column: message (hint)`, the form that editors and terminals turn into links. */
export function formatProblem(problem: Problem): string {
  const { file, position, message, hint } = problem;
  const place = `${file}:${position.line}:${position.column}`;
  return hint === undefined ? `${place}: ${message}` : `${place}: ${message} (${hint})`;
}

/** A document was refused; carries every problem that was found. The command line ends with exit code 2. */
export class InvalidDocumentError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.name = 'InvalidDocumentError';
    this.problems = problems;
  }
}

/** The candidate nearest to `word` when it is near enough to be what the author meant. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substitution = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
