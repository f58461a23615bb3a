import type { Socket } from 'node:net';
import { connectInFolder } from './unix-socket.ts';

/** Something QEMU says by itself, e.g. `SHUTDOWN` or `BLOCK_IO_ERROR`. */
export interface QmpEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A connection to QEMU's machine protocol. QEMU talks to one client at a time. */
export interface Qmp {
  /** Rejects with QEMU's own words, or when the connection ends first. */
  execute(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** Resolves when the connection has ended, whoever ended it. */
  readonly closed: Promise<void>;
  close(): void;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** An answer takes milliseconds, or seconds where the host is slow to write. A QEMU that hangs would never give one. */
const ANSWER_MS = 120_000;

/**
 * Connects to the socket `name` in `folder` and gets through the greeting. Rejects at once when nobody listens there,
 * and with the signal's reason when another client holds the connection until then.
 *
 * @param answerMs How long an answer may take, milliseconds; then the connection is ended.
 */
export async function connectQmp(
  folder: string,
  name: string,
  onEvent: (event: QmpEvent) => void,
  signal: AbortSignal,
  answerMs = ANSWER_MS,
): Promise<Qmp> {
  const socket = await connectInFolder(folder, name);
  const waiting = new Map<number, Waiting>();
  const greeted = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  let nextId = 1;

  const receive = (message: Message): void => {
    if (message.QMP !== undefined) greeted.resolve();
    else if (typeof message.event === 'string') onEvent({ event: message.event, data: message.data ?? {} });
    else if (message.id !== undefined) {
      const request = waiting.get(message.id);
      waiting.delete(message.id);
      if (message.error === undefined) request?.resolve(message.return);
      else request?.reject(new Error(`QEMU: ${message.error.desc}`));
    }
  };
  readJsonLines(socket, receive);
  socket.once('close', () => {
    const error = new Error('QEMU has ended the connection');
    greeted.reject(error);
    for (const request of waiting.values()) request.reject(error);
    waiting.clear();
    closed.resolve();
  });

  const qmp: Qmp = {
    execute: (command, args) =>
      new Promise((resolve, reject) => {
        if (socket.destroyed) {
          reject(new Error('QEMU has ended the connection'));
          return;
        }
        const id = nextId++;
        const silent = (): void => {
          waiting.delete(id);
          reject(new Error(`QEMU has not answered to ${command} within ${answerMs / 1000} s`));
          socket.destroy();
        };
        const timer = setTimeout(silent, answerMs);
        waiting.set(id, {
          resolve: (value) => {
            clearTimeout(timer);
            resolve(value);
          },
          reject: (error) => {
            clearTimeout(timer);
            reject(error);
          },
        });
        socket.write(`${JSON.stringify({ execute: command, ...(args && { arguments: args }), id })}\n`);
      }),
    closed: closed.promise,
    close: () => socket.destroy(),
  };
  const onAbort = (): void => {
    greeted.reject(signal.reason);
    socket.destroy();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    await greeted.promise;
    await qmp.execute('qmp_capabilities');
    return qmp;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

interface Message {
  readonly QMP?: unknown;
  readonly event?: unknown;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly id?: number;
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
}

function readJsonLines(socket: Socket, receive: (message: Message) => void): void {
  let pending = '';
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    const lines = (pending + text).split('\n');
    pending = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') receive(JSON.parse(line));
  });
}
