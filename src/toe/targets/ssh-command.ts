import { readFileSync } from 'node:fs';
import { quoteForShell } from '../../util/shell-quote.ts';
import type { TargetCommand } from '../target.ts';

/** Carried by every process of a command, so that an abort finds also those that left the session. */
const MARK = 'KILN_COMMAND';
/** A command line is one argument of the login shell, and Linux allows 128 KiB for one. */
const MAX_COMMAND_LINE_BYTES = 100 * 1024;

/** Tells who it is, goes to its folder and becomes the program: the process id stays the same all the way. */
const START_SCRIPT = String.raw`
printf '\036%s %s\n' "$1" "$$"
if [ -n "$2" ]; then cd -- "$2" || exit 126; fi
if [ "$3" = none ]; then shift 3; exec "$@" </dev/null; fi
shift 3
exec "$@"
`;

const KILL_SCRIPT = readFileSync(new URL('./ssh-kill.sh', import.meta.url), 'utf8');

/** What is sent to the login shell to start a command. */
export interface SshStart {
  readonly line: string;
  /** Goes to standard input before everything else. */
  readonly preamble: Buffer | undefined;
}

/**
 * The line that starts a command through a POSIX login shell. Standard output begins with {@link StartReader}'s
 * announcement. `nonce` is a word that nobody can guess; it marks the processes and the announcement.
 */
export function startLine(command: Pick<TargetCommand, 'argv' | 'env' | 'cwd' | 'stdin'>, nonce: string): SshStart {
  const environment = { ...command.env, [MARK]: nonce };
  const assignments = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  // `env` would take a program name with `=` for one more assignment.
  const program = command.argv[0].includes('=') ? ['sh', '-c', 'exec "$@"', 'sh', ...command.argv] : command.argv;
  const words = ['/bin/sh', '-c', START_SCRIPT, 'kiln', nonce, command.cwd ?? ''];
  const input = command.stdin === undefined ? 'none' : 'given';
  const line = `exec ${[...words, input, 'env', ...assignments, ...program].map(quoteForShell).join(' ')}`;
  const bytes = Buffer.from(line);
  if (bytes.length <= MAX_COMMAND_LINE_BYTES) return { line, preamble: undefined };
  return { line: `eval "$(head -c ${bytes.length})"`, preamble: bytes };
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
