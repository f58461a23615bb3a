import { setTimeout as delay } from 'node:timers/promises';
import type { Client, ClientChannel } from 'ssh2';
import { coerceError } from '../../util/faults.ts';
import { type TargetExit, TargetLostError } from '../target.ts';
import { signalNumber } from './signal-number.ts';
import { dial, type SshAddress } from './ssh-dial.ts';

export interface SshConnectionOptions {
  readonly address: SshAddress;
  /** What messages call the machine. */
  readonly name: string;
  /** Asked before every try: why it is pointless to go on trying (the machine's process has ended). */
  readonly whyGone: () => Error | undefined;
  /** How long a lost connection is tried again before the machine counts as lost. */
  readonly reconnectMs: number;
}

/** A channel on which a line runs in the login shell. */
export interface RunningLine {
  readonly channel: ClientChannel;
  /**
   * How the line ended, or undefined as long as the machine has not told. It may have before anybody could listen for the
   * channel's `exit`.
   */
  readonly exit: () => TargetExit | undefined;
}

/**
 * One SSH connection with many channels. It is made when it is first needed and made again after it was lost; a
 * channel that was open then is lost.
 */
export interface SshConnection {
  /**
   * Opens a channel that runs `line` in the login shell. Waits for its turn, for the server allows only so many.
   * Rejects with the signal's reason, or with {@link TargetLostError}; nothing was started then. An abort in the last
   * moment still gives the channel.
   */
  open(line: string, signal: AbortSignal): Promise<RunningLine>;
  /** As `open`, without waiting for a turn or for a new connection; undefined when there is no connection. */
  openNow(line: string): Promise<RunningLine | undefined>;
  /** Resolves when there is a connection; tries for `patienceMs` (Infinity: until the signal). */
  connect(signal: AbortSignal, patienceMs: number): Promise<void>;
  /** Gives up the present connection; the next use makes another one. */
  drop(): void;
  /** Ends the connection for good: what waits or runs is rejected with {@link TargetLostError}. */
  close(): void;
}

/** sshd allows ten sessions on a connection by default; one is kept for ending processes, one in reserve. */
const CHANNELS = 8;
/** First and longest patience with a port that accepts and then says nothing; see {@link dial}. */
const FIRST_PATIENCE_MS = 2_000;
const LONGEST_PATIENCE_MS = 15_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 500;
const OPEN_AFTER_ABORT_MS = 3_000;
/** How often a server is asked again that refuses a channel although no other is open: it may still be closing one. */
const TRIES_ALONE = 5;

export function sshConnection(options: SshConnectionOptions): SshConnection {
  let client: Client | undefined;
  let attempt: Promise<void> | undefined;
  let patience = FIRST_PATIENCE_MS;
  let closed = false;
  let limit = CHANNELS;
  let active = 0;
  const turns: (() => void)[] = [];

  function lost(cause: unknown): TargetLostError {
    return new TargetLostError(`${options.name} cannot be reached: ${coerceError(cause).message}`, { cause });
  }

  /** One try, shared by everybody who waits for a connection. */
  function tryOnce(): Promise<void> {
    attempt ??= dial(options.address, patience)
      .then(
        (made) => {
          if (closed) {
            made.end();
            return;
          }
          client = made;
          patience = FIRST_PATIENCE_MS;
          limit = CHANNELS;
          made.once('close', () => {
            if (client === made) client = undefined;
          });
        },
        (error: unknown) => {
          // A machine under load may need longer for its first words than we waited.
          patience = Math.min(patience * 1.5, LONGEST_PATIENCE_MS);
          throw error;
        },
      )
      .finally(() => {
        attempt = undefined;
      });
    return attempt;
  }

  async function connect(signal: AbortSignal, patienceMs: number): Promise<void> {
    const begin = performance.now();
    let pause = FIRST_PAUSE_MS;
    let last: unknown;
    while (client === undefined) {
      signal.throwIfAborted();
      const gone = closed ? new Error('the connection was closed') : options.whyGone();
      if (gone !== undefined) throw lost(gone);
      if (last !== undefined && performance.now() - begin >= patienceMs) throw lost(last);
      try {
        await unlessAborted(tryOnce(), signal);
      } catch (error) {
        signal.throwIfAborted();
        last = error;
        await delay(pause, undefined, { signal }).catch(() => {});
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
      }
    }
  }

  async function turn(signal: AbortSignal): Promise<void> {
    while (active >= limit) {
      const { promise, resolve } = Promise.withResolvers<void>();
      turns.push(resolve);
      await unlessAborted(promise, signal).catch((error) => {
        // The turn may have come together with the abort: pass it on.
        const waiting = turns.indexOf(resolve);
        if (waiting === -1) turns.shift()?.();
        else turns.splice(waiting, 1);
        throw error;
      });
    }
    active++;
  }

  function release(): void {
    active--;
    turns.shift()?.();
  }

  async function open(line: string, signal: AbortSignal): Promise<RunningLine> {
    let triesAlone = 0;
    for (;;) {
      await turn(signal);
      const others = active - 1;
      let opened: RunningLine | undefined;
      try {
        await connect(signal, options.reconnectMs);
        opened = await orSoonAfterAbort(openChannel(client, line), signal, drop);
        opened.channel.once('close', release);
        return opened;
      } catch (error) {
        if (opened === undefined) release();
        signal.throwIfAborted();
        if (error instanceof TargetLostError) throw error;
        // Nothing was started. A connection that broke is made again.
        if (client === undefined) continue;
        // The server allows fewer channels than we thought. Those that were open when we asked may have ended since, so
        // how many are open now says nothing.
        limit = Math.max(1, Math.min(limit, others));
        if (others > 0) continue;
        triesAlone++;
        if (triesAlone > TRIES_ALONE) throw lost(error);
        await delay(FIRST_PAUSE_MS * triesAlone, undefined, { signal }).catch(() => {});
        signal.throwIfAborted();
      }
    }
  }

  function drop(): void {
    const old = client;
    client = undefined;
    old?.destroy();
  }

  return {
    open,
    connect,
    drop,
    openNow: async (line) => (client === undefined ? undefined : await openChannel(client, line)),
    close: () => {
      closed = true;
      drop();
    },
  };
}

function openChannel(client: Client | undefined, line: string): Promise<RunningLine> {
  return new Promise((resolve, reject) => {
    if (client === undefined) {
      reject(new Error('not connected'));
      return;
    }
    const onClose = (): void => reject(new Error('the connection was lost'));
    client.once('close', onClose);
    try {
      client.exec(line, (error, channel) => {
        client.off('close', onClose);
        if (error) reject(error);
        // Within this call: the end of a short program may lie in the same packet, and is told only once.
        else resolve({ channel, exit: exitOf(channel) });
      });
    } catch (error) {
      // Thrown when the connection broke and its `close` is still to come.
      client.off('close', onClose);
      client.destroy();
      reject(error);
    }
  });
}

function exitOf(channel: ClientChannel): () => TargetExit | undefined {
  let exit: TargetExit | undefined;
  channel.once('exit', (code: number | null, signal?: string) => {
    exit = { code: code ?? 128 + signalNumber(signal) };
  });
  return () => exit;
}

/**
 * The channel also after an abort: a command that has started must be ended by whoever asked for it. When the machine
 * has not answered a while after the abort, `giveUp` is called, which breaks the connection.
 */
async function orSoonAfterAbort<T>(opening: Promise<T>, signal: AbortSignal, giveUp: () => void): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    timer = setTimeout(giveUp, OPEN_AFTER_ABORT_MS);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await opening;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

/** The promise, or the signal's reason as soon as it is aborted. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    promise.catch(() => {});
  }
}
