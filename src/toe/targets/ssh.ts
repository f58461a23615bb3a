import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { encodeOsText } from '../../util/os-text.ts';
import { type Target, type TargetCommand, type TargetExit, TargetLostError } from '../target.ts';
import {
  collectLine,
  dropSpoolLine,
  END_ORPHANS_SCRIPT,
  holdLine,
  KILL_SCRIPT,
  killLine,
  punchLine,
  resumeLine,
  StartReader,
  startLine,
} from './ssh-command.ts';
import { type SshConnection, sshConnection } from './ssh-connection.ts';
import type { SshAddress } from './ssh-dial.ts';
import { follow, STOP_MS, sideLine } from './ssh-follow.ts';

export interface SshTargetOptions extends SshAddress {
  /** What messages call the machine. */
  readonly name: string;
  /** Why the machine will never answer again, once that is known (its process has ended, its disk is full). */
  readonly whyGone?: () => Error | undefined;
  /** How long a lost connection is tried again, milliseconds. Default three minutes: an emulated machine reboots slowly. */
  readonly reconnectMs?: number;
}

export interface SshTarget extends Target {
  /** Resolves when the machine takes commands; tries for `patienceMs`, then rejects with {@link TargetLostError}. */
  connect(signal: AbortSignal, patienceMs: number): Promise<void>;
  /** Breaks the connection: what runs is rejected with {@link TargetLostError}. The next use connects again. */
  drop(): void;
  /** Ends the connection for good. What runs on the machine runs on. */
  close(): void;
}

/** Output that has arrived gives its disk space back this often. */
const PUNCH_EVERY_BYTES = 64 * 1024 * 1024;
/** Exit code of ssh-resume.sh when there is nothing to follow. */
const GONE = 97;
const BOOT_ID_MS = 10_000;
const BOOT_ID_EVERY_MS = 500;
const DEFAULT_RECONNECT_MS = 180_000;

/**
 * A Linux machine over SSH: one connection, a channel for every command. The user's login shell must be a POSIX shell;
 * `root` or a user who may do what the commands need. Nothing is installed on the machine.
 */
export function sshTarget(options: SshTargetOptions): SshTarget {
  const whyGone = options.whyGone ?? (() => undefined);
  const connection = sshConnection({
    address: options,
    name: options.name,
    whyGone,
    reconnectMs: options.reconnectMs ?? DEFAULT_RECONNECT_MS,
  });

  /** Ends when what surviving commands left is removed; nobody waits for that but the next command, at its end. */
  let tidied: Promise<unknown> = Promise.resolve();

  async function run(command: TargetCommand): Promise<TargetExit> {
    const before = tidied;
    try {
      return await runUntidied(command);
    } finally {
      await before;
    }
  }

  async function runUntidied(command: TargetCommand): Promise<TargetExit> {
    command.signal.throwIfAborted();
    const nonce = randomUUID();
    const { stdin } = command;
    const bytes = typeof stdin === 'string' ? encodeOsText(stdin) : stdin;
    const exit =
      command.survives !== true || bytes instanceof Readable
        ? await runAttached(connection, bytes === undefined ? command : { ...command, stdin: bytes }, nonce)
        : await runHeld(connection, command, nonce, bytes).finally(() => {
            tidied = Promise.all([tidied, removeSpool(connection, nonce)]);
          });
    if (exit !== undefined) return exit;
    const cause = whyGone();
    const why = cause?.message ?? 'the connection ended while a command ran; the machine may have restarted';
    throw new TargetLostError(`${options.name} was lost: ${why}`, { cause });
  }

  async function bootId(signal: AbortSignal): Promise<string> {
    let text = '';
    // A machine on its way down may take a command and never answer.
    const timer = setTimeout(connection.drop, BOOT_ID_MS);
    try {
      await run({
        argv: ['cat', '/proc/sys/kernel/random/boot_id'],
        signal,
        onStdout: (chunk) => {
          text += chunk.toString();
        },
      });
    } finally {
      clearTimeout(timer);
    }
    return text.trim();
  }

  async function reboot(signal: AbortSignal): Promise<void> {
    const before = await bootId(signal);
    const ask = { argv: ['sh', '-c', 'systemctl reboot || reboot'], signal } as const;
    await run(ask).catch(ignoreLost);
    for (;;) {
      signal.throwIfAborted();
      await connection.connect(signal, Number.POSITIVE_INFINITY);
      const now = await bootId(signal).catch(ignoreLost);
      if (now !== undefined && now !== '' && now !== before) return;
      await delay(BOOT_ID_EVERY_MS, undefined, { signal }).catch(() => {});
    }
  }

  async function endOrphans(signal: AbortSignal): Promise<void> {
    const { code } = await run({ argv: ['sh', '-c', END_ORPHANS_SCRIPT, 'kiln', KILL_SCRIPT], signal });
    if (code !== 0) throw new TargetLostError(`Commands on ${options.name} do not end.`);
  }

  return {
    os: 'linux',
    name: options.name,
    run,
    reboot,
    endOrphans,
    connect: connection.connect,
    drop: connection.drop,
    close: connection.close,
  };
}

function ignoreLost(error: unknown): undefined {
  if (!(error instanceof TargetLostError)) throw error;
}

async function runAttached(
  connection: SshConnection,
  command: TargetCommand,
  nonce: string,
): Promise<TargetExit | undefined> {
  const start = startLine(command, nonce);
  const running = await connection.open(start.line, command.signal);
  return follow(connection, running, command, new StartReader(nonce), killOf(nonce), start.preamble);
}

/** Ends the processes of the command whose leader announced itself. */
function killOf(nonce: string): (pid: number | undefined) => string {
  return (pid) => killLine(pid, nonce);
}

/**
 * A command that outlives the connection: it is followed over as many connections as it takes. Whatever becomes of it,
 * {@link removeSpool} is to be called afterwards.
 */
async function runHeld(
  connection: SshConnection,
  command: TargetCommand,
  nonce: string,
  input: Uint8Array | undefined,
): Promise<TargetExit | undefined> {
  const seen = { stdout: 0, stderr: 0 };
  let punched = 0;
  const count = (stream: keyof typeof seen, chunk: Buffer): void => {
    seen[stream] += chunk.length;
    const total = seen.stdout + seen.stderr;
    if (total - punched < PUNCH_EVERY_BYTES) return;
    punched = total;
    sideLine(connection, punchLine(nonce, seen)).catch(() => {});
  };
  const { stdin: _, ...rest } = command;
  const counted: TargetCommand = {
    ...rest,
    onStdout: (chunk) => {
      command.onStdout?.(chunk);
      count('stdout', chunk);
    },
    onStderr: (chunk) => {
      command.onStderr?.(chunk);
      count('stderr', chunk);
    },
  };
  const start = holdLine(command, nonce, input?.length);
  const { signal } = command;
  const reader = new StartReader(nonce);
  const running = await connection.open(start.line, signal);
  const fed = input === undefined ? counted : { ...counted, stdin: input };
  const exit = await follow(connection, running, fed, reader, killOf(nonce), start.preamble);
  const holder = reader.pid;
  if (exit !== undefined || holder === undefined) return exit;
  const again = async (line: string): Promise<TargetExit | undefined> =>
    follow(connection, await connection.open(line, signal), counted, new StartReader(nonce), () =>
      killLine(holder, nonce),
    );
  for (;;) {
    const waited = await again(resumeLine(nonce, holder, seen));
    if (waited?.code === GONE) return undefined;
    const collected = waited?.code === 0 ? await again(collectLine(nonce, seen)) : undefined;
    if (collected !== undefined) return collected;
  }
}

/** Removes what a command that outlives the connection leaves on the machine. Never rejects, and does not try for long. */
async function removeSpool(connection: SshConnection, nonce: string): Promise<void> {
  const late = delay(STOP_MS, undefined, { ref: false });
  await Promise.race([sideLine(connection, dropSpoolLine(nonce)), late]).catch(() => {});
}
