/**
 * The audit trail of a home: append-only files of hash-chained lines (chain.ts) in one folder, written by one process at
 * a time.
 *
 * What is promised: `append(record, true)` resolves when the record, and all before it, are on the disk (fdatasync; many
 * records share one). `append(record, false)` is written within {@link FLUSH_MS}. A process that is killed loses at most
 * those; a line that was cut in two by it is taken away by the next start, which tells of it (`torn`).
 */
import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { BuilderFault, coerceError } from '../../util/faults.ts';
import { lockFile } from '../../util/file-lock.ts';
import { CHAIN_START, type ChainHead, chainLine, isIntact, parseLine } from './chain.ts';
import { type HeadNote, openHeadNote, readHeadNote } from './head-note.ts';
import { nextFile, openForAppending, readTrailFile, trailFiles } from './trail-files.ts';

export interface AuditTrail extends AsyncDisposable {
  /** The torn line that was found, and taken away, at the start. */
  readonly torn: TornLine | undefined;
  /** A record that was on the disk and is not there any more, when the start found the end of the trail cut off. */
  readonly missing: ChainHead | undefined;
  /**
   * Appends a record; records stand in the order of the calls. Rejects when it could not be written in time: then it is
   * kept and written as soon as that is possible again.
   */
  append(record: object, durable: boolean): Promise<void>;
  /** Why the last attempt to write failed; undefined when it did not. Whoever must be recorded must not act then. */
  failure(): Error | undefined;
  /** Writes what is not written yet and lets go of the folder. May be called twice. */
  close(): Promise<void>;
}

export interface TornLine {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface OpenTrailOptions {
  readonly folder: string;
  /** Ends waiting for another process that has the trail. */
  readonly signal: AbortSignal;
  /** A file that is larger is followed by a new one. */
  readonly maxFileBytes?: number;
}

const FLUSH_MS = 100;
const RETRY_MS = 1_000;
const MAX_FILE_BYTES = 32 * 1024 * 1024;

export async function openAuditTrail({ folder, signal, maxFileBytes }: OpenTrailOptions): Promise<AuditTrail> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await using stack = new AsyncDisposableStack();
  stack.use(await lockFile(join(folder, 'lock'), signal));
  const end = await findEnd(folder);
  const file = end.file ?? nextFile(folder, undefined);
  const noted = await readHeadNote(folder);
  const missing = noted !== undefined && noted.sequence > end.head.sequence ? noted : undefined;
  const note = await openHeadNote(folder);
  stack.defer(() => note.close());
  const writer = new TrailWriter(folder, file, end.head, note, maxFileBytes ?? MAX_FILE_BYTES);
  await writer.open();
  stack.defer(() => writer.close());
  const opened = stack.move();
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= opened.disposeAsync();
    return closed;
  };
  return {
    torn: end.torn,
    missing,
    append: (record, durable) => writer.append(record, durable),
    failure: () => writer.failure,
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface TrailEnd {
  readonly head: ChainHead;
  readonly file: string | undefined;
  readonly torn: TornLine | undefined;
}

/** Where the trail goes on; takes a torn line away. */
async function findEnd(folder: string): Promise<TrailEnd> {
  const files = await trailFiles(folder);
  const last = files.at(-1);
  let torn: TornLine | undefined;
  for (const file of files.toReversed()) {
    const text = await readTrailFile(file);
    if (file === last && text.torn.length > 0) {
      const sha256 = createHash('sha256').update(text.torn).digest('hex');
      torn = { file, bytes: text.torn.length, sha256 };
      await truncate(file, text.wholeBytes);
    }
    const line = text.lines.at(-1);
    if (line === undefined) continue;
    const parsed = parseLine(line);
    if (parsed === undefined || !isIntact(parsed)) {
      throw new BuilderFault('The last line of the audit trail is damaged.', {
        where: file,
        hint: "See 'kiln audit verify'. To begin a new trail, move the folder away and keep it.",
      });
    }
    return { head: { sequence: parsed.sequence, hash: parsed.hash }, file: last, torn };
  }
  return { head: CHAIN_START, file: last, torn };
}

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Gathers lines and writes them in batches: while one is being written, the next one gathers. */
class TrailWriter {
  failure: Error | undefined;
  readonly #folder: string;
  readonly #note: HeadNote;
  readonly #maxFileBytes: number;
  #file: string;
  #head: ChainHead;
  #handle: FileHandle | undefined;
  /** Bytes of the file that are certainly whole lines. */
  #size = 0;
  /** Whether a failed write may have left a part behind `#size`. */
  #dirty = false;
  #lines: string[] = [];
  #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;

  constructor(folder: string, file: string, head: ChainHead, note: HeadNote, maxFileBytes: number) {
    this.#folder = folder;
    this.#file = file;
    this.#head = head;
    this.#note = note;
    this.#maxFileBytes = maxFileBytes;
  }

  async open(): Promise<void> {
    this.#handle = await openForAppending(this.#folder, this.#file);
    this.#size = (await this.#handle.stat()).size;
  }

  append(record: object, durable: boolean): Promise<void> {
    const { text, head } = chainLine(this.#head, record);
    this.#head = head;
    this.#lines.push(text);
    if (!durable) {
      this.#schedule(FLUSH_MS);
      return Promise.resolve();
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ resolve, reject });
    this.#start();
    return promise;
  }

  async close(): Promise<void> {
    await this.#flushing;
    if (this.#lines.length > 0) {
      this.#start();
      await this.#flushing;
    }
    clearTimeout(this.#timer);
    await this.#handle?.close();
    this.#handle = undefined;
  }

  #schedule(ms: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#start();
    }, ms);
  }

  #start(): void {
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined;
      if (this.failure !== undefined) this.#schedule(RETRY_MS);
      else if (this.#waiting.length > 0) this.#start();
      else if (this.#lines.length > 0) this.#schedule(FLUSH_MS);
    });
  }

  async #flush(): Promise<void> {
    const lines = this.#lines;
    const waiting = this.#waiting;
    const head = this.#head;
    this.#lines = [];
    this.#waiting = [];
    try {
      await this.#write(Buffer.from(lines.join('')), waiting.length > 0);
      if (waiting.length > 0) await this.#note.write(head);
      this.failure = undefined;
      for (const { resolve } of waiting) resolve();
    } catch (error) {
      this.failure = coerceError(error);
      this.#lines = [...lines, ...this.#lines];
      for (const { reject } of waiting) reject(this.failure);
    }
  }

  async #write(bytes: Buffer, durable: boolean): Promise<void> {
    if (this.#size >= this.#maxFileBytes) await this.#rotate();
    const handle = this.#handle;
    if (handle === undefined) throw new Error('The audit trail is closed.');
    if (this.#dirty) await handle.truncate(this.#size);
    this.#dirty = true;
    await handle.appendFile(bytes);
    if (durable) await handle.datasync();
    this.#dirty = false;
    this.#size += bytes.length;
  }

  async #rotate(): Promise<void> {
    const next = nextFile(this.#folder, this.#file);
    const handle = await openForAppending(this.#folder, next);
    await this.#handle?.datasync();
    await this.#handle?.close();
    this.#handle = handle;
    this.#file = next;
    this.#size = 0;
  }
}
