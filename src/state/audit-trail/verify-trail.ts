import { CHAIN_START, type ChainHead, isIntact, parseLine } from './chain.ts';
import { readTrailFile, trailFiles } from './trail-files.ts';

export interface TrailReport {
  /** Intact records. */
  readonly records: number;
  /** The newest intact line; what somebody noted elsewhere proves that nothing before it was changed since. */
  readonly head: ChainHead;
  readonly problems: readonly TrailProblem[];
  /** Bytes behind the last line end: a line that is being written, or was when the machine stopped. */
  readonly tornBytes: number;
  /** Whether the hash that was asked for is one of the trail's. */
  readonly found: boolean;
}

export interface TrailProblem {
  readonly file: string;
  /** Starts at 1. */
  readonly line: number;
  readonly message: string;
}

/**
 * Checks every line of a trail and that they follow each other.
 *
 * @param wanted a hash that the trail must have, noted at an earlier time
 */
export async function verifyTrail(folder: string, wanted?: string): Promise<TrailReport> {
  const problems: TrailProblem[] = [];
  let head = CHAIN_START;
  let records = 0;
  let tornBytes = 0;
  let found = wanted === undefined;
  const files = await trailFiles(folder);
  for (const file of files) {
    const text = await readTrailFile(file);
    for (const [index, content] of text.lines.entries()) {
      const report = (message: string): void => void problems.push({ file, line: index + 1, message });
      const line = parseLine(content);
      if (line === undefined) {
        report('This is not a line of an audit trail.');
        continue;
      }
      if (!isIntact(line)) {
        report('The record was changed: its hash is another one.');
      } else records++;
      if (line.sequence !== head.sequence + 1) {
        report(`The record ${head.sequence + 1} was expected here, and this is ${line.sequence}.`);
      } else if (line.previous !== head.hash) report('It does not continue the record before it.');
      found ||= line.hash === wanted;
      head = { sequence: line.sequence, hash: line.hash };
    }
    if (text.torn.length === 0) continue;
    if (file === files.at(-1)) tornBytes = text.torn.length;
    else problems.push({ file, line: text.lines.length + 1, message: 'The line has no end.' });
  }
  return { records, head, problems, tornBytes, found };
}

/** The records of a trail as JSON, oldest first, whatever their hashes are. */
export async function* readTrail(folder: string): AsyncGenerator<string> {
  for (const file of await trailFiles(folder)) {
    for (const content of (await readTrailFile(file)).lines) {
      const line = parseLine(content);
      if (line !== undefined) yield line.record;
    }
  }
}
