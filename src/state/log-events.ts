import type { Insertable, Kysely, Selectable } from 'kysely';
import { storable } from './storable.ts';
import type { Database, LogEventsTable } from './tables.ts';

export type LogRow = Selectable<LogEventsTable>;

export interface LogLine {
  readonly at: Date;
  /** The workflow step that is running, if any. */
  readonly stepName?: string | undefined;
  readonly source: LogEventsTable['source'];
  readonly message: string;
}

/**
 * A log stream that is being written. Lines are stored in batches, within 100 ms. While the database does not take them
 * they are kept and tried again; of more than 50,000 the oldest are dropped, and a line says how many.
 */
export interface LogWriter extends AsyncDisposable {
  /** Never throws and never blocks. Lines after the close are dropped. */
  append(line: LogLine): void;
  /** Resolves when everything that was appended before is stored; rejects when the database does not take it. */
  flush(): Promise<void>;
  /** As flush, and ends the writer. May be called twice. */
  close(): Promise<void>;
}

const FLUSH_MS = 100;
const ROWS_PER_INSERT = 1_000;
const MAX_WAITING = 50_000;

/** Characters of one line that are kept: as CloudWatch Logs had it for long, 256 KiB. */
const MAX_MESSAGE = 256 * 1024;

/**
 * Opens a log stream for writing. One writer per stream at a time: then ids rise in the order of commits, and readers
 * who go on from the last id miss nothing.
 */
export function openLog(db: Kysely<Database>, group: string, stream: string): LogWriter {
  let waiting: Insertable<LogEventsTable>[] = [];
  let dropped = 0;
  let timer: NodeJS.Timeout | undefined;
  let storing: Promise<void> = Promise.resolve();
  let closed = false;

  const store = async (): Promise<void> => {
    if (dropped > 0) {
      const message = `${dropped} lines were dropped here, because they could not be stored in time`;
      waiting.unshift(row(group, stream, { at: new Date(), source: 'kiln', message }));
      dropped = 0;
    }
    while (waiting.length > 0) {
      const batch = waiting.slice(0, ROWS_PER_INSERT);
      await db.insertInto('log_events').values(batch).execute();
      // Lines may have been added, or dropped from the front, while the batch was stored.
      const stored = new Set(batch);
      waiting = waiting.filter((line) => !stored.has(line));
    }
  };
  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    storing = storing.catch(() => {}).then(store);
    storing.catch(flushSoon);
    return storing;
  };
  const flushSoon = (): void => {
    if (closed) return;
    timer ??= setTimeout(() => void flush().catch(() => {}), FLUSH_MS);
  };
  return {
    append(line) {
      if (closed) return;
      waiting.push(row(group, stream, line));
      if (waiting.length > MAX_WAITING) {
        dropped += waiting.length - MAX_WAITING;
        waiting = waiting.slice(-MAX_WAITING);
      }
      flushSoon();
    },
    flush,
    close() {
      closed = true;
      return flush();
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      await flush();
    },
  };
}

function row(group: string, stream: string, line: LogLine): Insertable<LogEventsTable> {
  return {
    log_group: group,
    log_stream: stream,
    timestamp: line.at,
    step_name: line.stepName ?? null,
    source: line.source,
    message: storable(bounded(line.message)),
  };
}

/** Longer lines are cut. */
function bounded(message: string): string {
  return message.length <= MAX_MESSAGE
    ? message
    : `${message.slice(0, MAX_MESSAGE)} … (${message.length - MAX_MESSAGE} more characters)`;
}

/** The lines of a stream after the line `afterId` (`'0'` for all), in the order in which they were stored. */
export function readLog(
  db: Kysely<Database>,
  request: { readonly group: string; readonly stream: string; readonly afterId?: string; readonly limit: number },
): Promise<LogRow[]> {
  return db
    .selectFrom('log_events')
    .selectAll()
    .where('log_group', '=', request.group)
    .where('log_stream', '=', request.stream)
    .where('id', '>', request.afterId ?? '0')
    .orderBy('id')
    .limit(request.limit)
    .execute();
}
