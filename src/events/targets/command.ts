import { run } from '../../util/spawn.ts';

export interface CommandRequest {
  /** The absolute path of a program, and its arguments. */
  readonly command: readonly string[];
  /** For its standard input. */
  readonly input: string;
  /** Beside those that every command gets. */
  readonly environment: Readonly<Record<string, string>>;
}

export type RunCommand = (request: CommandRequest, signal: AbortSignal) => Promise<void>;

const KEEP_BYTES = 4_096;

/**
 * Runs a program without a shell, in a process group that ends with the signal. Its exit code 0 is success; everything
 * else is an error with the end of what it wrote. What it is told comes by standard input, never by its arguments.
 *
 * @param environment what commands may see of the service's own: not its secrets
 */
export function createRunCommand(environment: Readonly<Record<string, string | undefined>>): RunCommand {
  const kept = Object.fromEntries(
    ['PATH', 'HOME', 'LANG', 'TZ'].flatMap((name) => {
      const value = environment[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
  return async ({ command: [program = '', ...args], input, environment: added }, signal) => {
    const result = await run(program, args, {
      stdin: input,
      env: { ...kept, ...added },
      signal,
      keepBytes: KEEP_BYTES,
    });
    if (result.code === 0) return;
    const how = result.code === undefined ? `was ended by ${result.signal}` : `ended with ${result.code}`;
    const said = result.stderr.toString().trim() || result.stdout.toString().trim();
    throw new Error(`The program ${program} ${how}${said === '' ? '.' : `: ${said.slice(-500)}`}`);
  };
}
