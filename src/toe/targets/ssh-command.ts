import { readFileSync } from 'node:fs';
import { encodeOsText, hasForeignBytes } from '../../util/os-text.ts';
import { quoteForShell } from '../../util/shell-quote.ts';
import type { TargetCommand } from '../target.ts';

/** Carried by every process of a command, so that an abort finds also those that left the session. */
const MARK = 'KILN_COMMAND';
/** A command line is one argument of the login shell, and Linux allows 128 KiB for one. */
const MAX_COMMAND_LINE_BYTES = 100 * 1024;

export const KILL_SCRIPT = readFileSync(new URL('./ssh-kill.sh', import.meta.url), 'utf8');

/** Ends every command that outlives its connection; $1 is {@link KILL_SCRIPT}. */
export const END_ORPHANS_SCRIPT = readFileSync(new URL('./ssh-end-orphans.sh', import.meta.url), 'utf8');

/** What is sent to the login shell to start a command. */
export interface SshStart {
  readonly line: string;
  /** Goes to standard input before everything else. */
  readonly preamble: Buffer | undefined;
}

/**
 * The line that starts a command through a POSIX login shell, which announces its process id on standard output (see
 * {@link StartReader}), goes to the command's folder and becomes the program: the process id stays the same. Nothing
 * else is started on the way, for on an emulated machine every process costs. `nonce` is a word that nobody can guess;
 * it marks the processes and the announcement.
 */
export function startLine(command: Pick<TargetCommand, 'argv' | 'env' | 'cwd' | 'stdin'>, nonce: string): SshStart {
  const parts = [`printf '\\036%s %s\\n' ${nonce} "$$"`];
  if (command.cwd !== undefined) parts.push(`cd -- ${quoteForShell(command.cwd)} || exit 126`);
  const words = [...environmentWords(command), ...command.argv].map(quoteForShell).join(' ');
  parts.push(`${MARK}=${nonce} exec ${words}${command.stdin === undefined ? ' </dev/null' : ''}`);
  const line = parts.join('; ');
  const bytes = encodeOsText(line);
  // A line that is sent as a string is sent as UTF-8.
  if (bytes.length <= MAX_COMMAND_LINE_BYTES && !hasForeignBytes(line)) return { line, preamble: undefined };
  return { line: `eval "$(head -c ${bytes.length})"`, preamble: bytes };
}

const HOLD_SCRIPT = readFileSync(new URL('./ssh-hold.sh', import.meta.url), 'utf8');
const RESUME_SCRIPT = readFileSync(new URL('./ssh-resume.sh', import.meta.url), 'utf8');

/** As {@link startLine}, for a command that outlives the connection; its input, if any, has so many bytes. */
export function holdLine(
  command: Pick<TargetCommand, 'argv' | 'env' | 'cwd'>,
  nonce: string,
  inputBytes: number | undefined,
): SshStart {
  const { argv, env = {}, cwd = '' } = command;
  const held = [...environmentWords({ argv, env }), ...argv];
  const hold = [
    '/bin/sh',
    '-c',
    HOLD_SCRIPT,
    'kiln',
    spoolOf(nonce),
    String(inputBytes ?? 'none'),
    cwd,
    ...held,
  ] as const;
  return startLine({ argv: hold, ...(inputBytes === undefined ? {} : { stdin: '' }) }, nonce);
}

/** The line that follows such a command after the connection was lost, from these counts of bytes on. */
export function resumeLine(nonce: string, holder: number, seen: SshSeen): string {
  const [out, err] = [String(seen.stdout + 1), String(seen.stderr + 1)];
  return shellLine([RESUME_SCRIPT, 'kiln', spoolOf(nonce), String(holder), out, err, `${MARK}=${nonce}`], nonce);
}

/** The line that gives what is left of the output of a command that has ended, and its exit code. */
export function collectLine(nonce: string, seen: SshSeen): string {
  const script =
    'tail -c "+$2" "$1/out"; tail -c "+$3" "$1/err" >&2; read -r code <"$1/code" && exit "$code"; exit 125';
  return shellLine([script, 'kiln', spoolOf(nonce), String(seen.stdout + 1), String(seen.stderr + 1)], nonce);
}

/** The line that removes what such a command left. A daemon of the command's that goes on has nobody to write to then. */
export function dropSpoolLine(nonce: string): string {
  const spool = spoolOf(nonce);
  return `read -r a b <${spool}/tees && kill "$a" "$b" 2>/dev/null; exec rm -rf -- ${spool}`;
}

/** The line that gives back the disk space of output that has arrived. */
export function punchLine(nonce: string, { stdout, stderr }: SshSeen): string {
  const punch = (name: string, bytes: number): string =>
    bytes === 0 ? ':' : `fallocate --punch-hole --offset 0 --length ${bytes} ${spoolOf(nonce)}/${name}`;
  return `{ ${punch('out', stdout)}; ${punch('err', stderr)}; } 2>/dev/null`;
}

/** Bytes of a command's output that have arrived. */
export interface SshSeen {
  readonly stdout: number;
  readonly stderr: number;
}

/** On disk, not in memory; nobody can know the name before. */
function spoolOf(nonce: string): string {
  return `/var/tmp/.kiln-${nonce}`;
}

function shellLine(words: readonly string[], nonce: string): string {
  return `printf '\\036%s %s\\n' ${nonce} "$$"; exec ${['/bin/sh', '-c', ...words].map(quoteForShell).join(' ')}`;
}

/** `env NAME=value …`: a shell could not set names that are no identifiers, nor those that it keeps for itself. */
function environmentWords({ argv, env = {} }: Pick<TargetCommand, 'argv' | 'env'>): readonly string[] {
  const assignments = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  if (assignments.length === 0) return [];
  // `env` would take a program name with `=` for one more assignment.
  return ['env', ...assignments, ...(argv[0].includes('=') ? ['sh', '-c', 'exec "$@"', 'sh'] : [])];
}

/** The line that ends all processes of a command; exit code 0 when none is left. */
export function killLine(pid: number | undefined, nonce: string): string {
  const words = ['/bin/sh', '-c', KILL_SCRIPT, 'kiln', String(pid ?? 'none'), `${MARK}=${nonce}`];
  return `exec ${words.map(quoteForShell).join(' ')}`;
}

/**
 * Takes the announcement of the process id off the beginning of standard output. Whatever the login shell's start-up
 * files print comes before it and is not output of the command.
 */
export class StartReader {
  readonly #marker: Buffer;
  #pending = Buffer.alloc(0);
  #pid: number | undefined;

  constructor(nonce: string) {
    this.#marker = Buffer.from(`\x1e${nonce} `);
  }

  /** The leader of the command's session, once it has announced itself. */
  get pid(): number | undefined {
    return this.#pid;
  }

  /** Output of the command in this chunk. */
  push(chunk: Buffer): Buffer {
    if (this.#pid !== undefined) return chunk;
    this.#pending = Buffer.concat([this.#pending, chunk]);
    const start = this.#pending.indexOf(this.#marker);
    const end = start === -1 ? -1 : this.#pending.indexOf('\n', start);
    if (end === -1) {
      // Only the tail can be the beginning of the announcement: a chatty start-up file must not fill the memory.
      if (start === -1) this.#pending = this.#pending.subarray(-this.#marker.length);
      return Buffer.alloc(0);
    }
    this.#pid = Number(this.#pending.toString('latin1', start + this.#marker.length, end));
    const rest = this.#pending.subarray(end + 1);
    this.#pending = Buffer.alloc(0);
    return rest;
  }
}
