import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { coerceError } from '../../util/faults.ts';
import { type AwsSettings, clientConfig } from './aws-settings.ts';

type Sdk = typeof import('@aws-sdk/client-cloudwatch-logs');

export interface LogStreamPlace {
  readonly group: string;
  readonly stream: string;
}

/** A log stream that takes lines as they come. Whoever opens it ends it. */
export interface LogStream {
  /** Never waits and never throws: what goes wrong is told by {@link end}. */
  write(line: string): void;
  /** Sends what is left; rejects with the first thing that went wrong. Given up when the signal is aborted. */
  end(signal: AbortSignal): Promise<void>;
}

/** Source: CloudWatch Logs API Reference, PutLogEvents. Each event counts 26 bytes beside its text. */
const BATCH_BYTES = 1_048_576;
const BATCH_EVENTS = 10_000;
const EVENT_BYTES = 26;
/** Lines are sent so long after the first of them at the latest. */
const SEND_AFTER_MS = 2_000;
/** Bytes that wait to be sent; a command may print faster than any network takes. */
const WAITING_BYTES = 8 * BATCH_BYTES;

/**
 * Opens a stream, and makes it and its group where they do not exist. Who may not make them may still write to them: that is
 * found out with the first lines. Rejects when the service is not there or refuses.
 */
export async function openLogStream(
  settings: AwsSettings,
  place: LogStreamPlace,
  signal: AbortSignal,
): Promise<LogStream> {
  const sdk = await import('@aws-sdk/client-cloudwatch-logs');
  const client = new sdk.CloudWatchLogsClient(clientConfig(settings));
  try {
    await makeStream(sdk, client, place, signal);
  } catch (error) {
    client.destroy();
    throw explain(error, place);
  }
  return new BatchedStream(sdk, client, place);
}

async function makeStream(
  sdk: Sdk,
  client: CloudWatchLogsClient,
  { group, stream }: LogStreamPlace,
  abortSignal: AbortSignal,
): Promise<void> {
  const make = (): Promise<unknown> =>
    client.send(new sdk.CreateLogStreamCommand({ logGroupName: group, logStreamName: stream }), { abortSignal });
  try {
    await make().catch(async (error: unknown) => {
      if (!(error instanceof sdk.ResourceNotFoundException)) throw error;
      const request = new sdk.CreateLogGroupCommand({ logGroupName: group });
      await client.send(request, { abortSignal }).catch(unlessThere(sdk));
      await make();
    });
  } catch (error) {
    unlessThere(sdk)(error);
  }
}

function unlessThere(sdk: Sdk): (error: unknown) => void {
  return (error) => {
    if (error instanceof sdk.ResourceAlreadyExistsException) return;
    if (coerceError(error).name !== 'AccessDeniedException') throw error;
  };
}

interface LogEvent {
  readonly timestamp: number;
  readonly message: string;
  readonly bytes: number;
}

class BatchedStream implements LogStream {
  readonly #sdk: Sdk;
  readonly #client: CloudWatchLogsClient;
  readonly #place: LogStreamPlace;
  readonly #stopped = new AbortController();
  #waiting: LogEvent[] = [];
  #waitingBytes = 0;
  #leftOut = 0;
  #latest = 0;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #failure: Error | undefined;

  constructor(sdk: Sdk, client: CloudWatchLogsClient, place: LogStreamPlace) {
    this.#sdk = sdk;
    this.#client = client;
    this.#place = place;
  }

  write(line: string): void {
    if (this.#failure !== undefined) return;
    const message = line === '' ? ' ' : line;
    const bytes = Buffer.byteLength(message) + EVENT_BYTES;
    if (this.#waitingBytes + bytes > WAITING_BYTES) {
      this.#leftOut++;
      return;
    }
    if (this.#leftOut > 0) {
      const note = `[… ${this.#leftOut} lines left out: they came faster than they could be sent …]`;
      this.#leftOut = 0;
      this.#add(note, Buffer.byteLength(note) + EVENT_BYTES);
    }
    this.#add(message, bytes);
    if (this.#waitingBytes >= BATCH_BYTES / 2 || this.#waiting.length >= BATCH_EVENTS) this.#send();
    else this.#timer ??= setTimeout(() => this.#send(), SEND_AFTER_MS);
  }

  async end(signal: AbortSignal): Promise<void> {
    const stop = (): void => this.#stopped.abort(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    try {
      if (this.#leftOut > 0) this.#add(`[… ${this.#leftOut} lines left out at the end …]`, 128);
      do {
        this.#send();
        await this.#sending;
      } while (this.#waiting.length > 0);
    } finally {
      clearTimeout(this.#timer);
      signal.removeEventListener('abort', stop);
      this.#client.destroy();
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  #add(message: string, bytes: number): void {
    // The events of a batch must be in the order of their times, and clocks may go back.
    this.#latest = Math.max(this.#latest, Date.now());
    this.#waiting.push({ timestamp: this.#latest, message, bytes });
    this.#waitingBytes += bytes;
  }

  /** One batch after the other, until nothing waits. */
  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending ??= this.#sendAll()
      .catch((error: unknown) => {
        this.#failure = explain(error, this.#place);
        [this.#waiting, this.#waitingBytes] = [[], 0];
      })
      .finally(() => {
        this.#sending = undefined;
      });
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const logEvents = this.#nextBatch().map(({ timestamp, message }) => ({ timestamp, message }));
      const { group, stream } = this.#place;
      const request = new this.#sdk.PutLogEventsCommand({ logGroupName: group, logStreamName: stream, logEvents });
      const { rejectedLogEventsInfo } = await this.#client.send(request, { abortSignal: this.#stopped.signal });
      if (rejectedLogEventsInfo !== undefined) throw new Error("the service rejects this machine's time of day");
    }
  }

  #nextBatch(): readonly LogEvent[] {
    let count = 0;
    let bytes = 0;
    for (const event of this.#waiting) {
      if (count === BATCH_EVENTS || bytes + event.bytes > BATCH_BYTES) break;
      count++;
      bytes += event.bytes;
    }
    this.#waitingBytes -= bytes;
    return this.#waiting.splice(0, count);
  }
}

function explain(error: unknown, { group, stream }: LogStreamPlace): Error {
  const { name, message } = coerceError(error);
  const what = [name, message].filter((text) => text !== '' && text !== 'Error').join(': ');
  return new Error(`cannot write to the log stream ${stream} of ${group}: ${what}`, { cause: error });
}
