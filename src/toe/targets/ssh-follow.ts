import type { ClientChannel } from 'ssh2';
import type { TargetCommand, TargetExit } from '../target.ts';
import type { StartReader } from './ssh-command.ts';
import type { RunningLine, SshConnection } from './ssh-connection.ts';

/**
 * How long output is still collected after the program ended, when something it left behind holds the pipes open. The
 * exit code may overtake the last output, and an emulated machine takes its time between the two.
 */
const DRAIN_MS = 2_000;
/** The same while output keeps coming: a daemon may write for ever. */
const DRAIN_AT_MOST_MS = 6_000;
/** Ending the processes of an aborted command takes at most so long, whatever the machine does. */
export const STOP_MS = 8_000;

/** Runs a line on a channel of its own, if there is a connection, and waits for its end. */
export async function sideLine(connection: SshConnection, line: string): Promise<void> {
  const running = await connection.openNow(line);
  if (running === undefined) return;
  const { channel } = running;
  channel.on('error', () => {});
  channel.resume();
  channel.stderr.resume();
  await new Promise<void>((resolve) => channel.once('close', () => resolve()));
}

/**
 * Feeds a started command and collects its end; undefined when the connection was lost. Rejects with the reason of an
 * abort, or of an input that failed, after the command's processes were ended.
 */
export async function follow(
  connection: SshConnection,
  { channel, exit }: RunningLine,
  command: TargetCommand,
  reader: StartReader,
  kill: (pid: number | undefined) => string,
  preamble?: Buffer,
): Promise<TargetExit | undefined> {
  const end = Promise.withResolvers<TargetExit | undefined>();
  const announced = Promise.withResolvers<void>();
  let drain: NodeJS.Timeout | undefined;
  let latest = Number.POSITIVE_INFINITY;
  const stillComing = (): void => {
    if (performance.now() < latest) drain?.refresh();
  };

  channel.on('error', () => {});
  channel.on('data', (chunk: Buffer) => {
    stillComing();
    const output = reader.push(chunk);
    if (reader.pid !== undefined) announced.resolve();
    if (output.length > 0) command.onStdout?.(output);
  });
  channel.stderr.on('data', (chunk: Buffer) => {
    stillComing();
    command.onStderr?.(chunk);
  });
  const onExit = (): void => {
    // The channel stays open as long as anybody has its pipes: a daemon that the program started must not hold us up.
    latest = performance.now() + DRAIN_AT_MOST_MS;
    drain = setTimeout(() => end.resolve(exit()), DRAIN_MS);
  };
  if (exit() === undefined) channel.once('exit', onExit);
  else onExit();
  channel.once('close', () => {
    announced.resolve();
    end.resolve(exit());
  });

  const stopped = Promise.withResolvers<never>();
  stopped.promise.catch(() => {});
  let stopping = false;
  const stop = (reason: unknown): void => {
    if (stopping) return;
    stopping = true;
    stopRemote(connection, announced.promise, () => kill(reader.pid))
      .catch(() => {})
      .finally(() => stopped.reject(reason));
  };
  const onAbort = (): void => stop(command.signal.reason);
  command.signal.addEventListener('abort', onAbort, { once: true });
  if (command.signal.aborted) onAbort();
  const unfeed = feed(channel, command.stdin, preamble, stop);
  try {
    const result = await Promise.race([end.promise, stopped.promise]);
    // A stop that came in the meantime decides: the caller must not take the killed command's code for a result.
    return stopping ? await stopped.promise : result;
  } finally {
    clearTimeout(drain);
    command.signal.removeEventListener('abort', onAbort);
    unfeed();
    channel.close();
  }
}

/** Passes the input on; gives what ends that. */
function feed(
  channel: ClientChannel,
  input: TargetCommand['stdin'],
  preamble: Buffer | undefined,
  stop: (reason: unknown) => void,
): () => void {
  if (preamble !== undefined) channel.write(preamble);
  if (input === undefined || typeof input === 'string' || input instanceof Uint8Array) {
    channel.end(input);
    return () => {};
  }
  input.once('error', stop);
  input.pipe(channel);
  return () => {
    input.unpipe(channel);
    input.off('error', stop);
  };
}

/** Runs the line that ends a command's processes on a channel of its own and waits for its end, but not for long. */
async function stopRemote(connection: SshConnection, announced: Promise<void>, line: () => string): Promise<void> {
  const timer = Promise.withResolvers<void>();
  const timeout = setTimeout(timer.resolve, STOP_MS);
  const kill = async (): Promise<void> => {
    await announced;
    await sideLine(connection, line());
  };
  try {
    await Promise.race([kill(), timer.promise]);
  } finally {
    clearTimeout(timeout);
  }
}
