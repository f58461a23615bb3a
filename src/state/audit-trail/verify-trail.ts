import { CHAIN_START, type ChainHead, isIntact, parseLine } from './chain.ts';
import { readHeadNote } from './head-note.ts';
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
  // Read first: what is noted was written before.
  const noted = await readHeadNote(folder);
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
      if (line.record.includes(MISSING_RECORDS))
        report('Records before this one were missing at the start of the service.');
      if (line.sequence === noted?.sequence && line.hash !== noted.hash) report('Another record was written here.');
      head = { sequence: line.sequence, hash: line.hash };
    }
    if (text.torn.length === 0) continue;
    if (file === files.at(-1)) tornBytes = text.torn.length;
    else problems.push({ file, line: text.lines.length + 1, message: 'The line has no end.' });
  }
  if (noted !== undefined && noted.sequence > head.sequence) {
    const message = `The end was cut off: there were records up to ${noted.sequence}, and the last one is ${head.sequence}.`;
    problems.push({ file: files.at(-1) ?? folder, line: records + 1, message });
  }
  return { records, head, problems, tornBytes, found };
}

/** What the record that tells of missing ones has in its JSON: api/audit/record.ts. */
const MISSING_RECORDS = '"eventName":"MissingAuditRecords"';

/** The records of a trail as JSON, oldest first, whatever their hashes are. */
export async function* readTrail(folder: string): AsyncGenerator<string> {
  for (const file of await trailFiles(folder)) {
    for (const content of (await readTrailFile(file)).lines) {
      const line = parseLine(content);
      if (line !== undefined) yield line.record;
    }
  }
}
