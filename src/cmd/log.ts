import { rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import pino, { type DestinationStream, type Logger } from 'pino';
import { coerceError } from '../util/faults.ts';
import type { Config } from './config.ts';
import { sanitise } from './display/text.ts';

const MAX_LOG_BYTES = 10 * 1024 * 1024;

/**
 * The log of a service that runs inside another command, where the terminal is not its own: `KILN_HOME/service.log`,
 * and one older file of at most the same size.
 */
export async function openFileLog(config: Config): Promise<Logger> {
  const file = join(config.home.path, 'service.log');
  const size = await stat(file).then(
    (status) => status.size,
    () => 0,
  );
  if (size > MAX_LOG_BYTES) await rename(file, `${file}.1`);
  return createLog(config, pino.destination({ dest: file, append: true, mode: 0o600, sync: true }));
}

/** The log of `kiln serve`: lines for people on a terminal, JSON for programs. */
export function openStderrLog(config: Config, terminal: boolean): Logger {
  const json = pino.destination({ dest: 2, sync: true });
  return createLog(config, terminal ? { write: (line: string) => void process.stderr.write(readable(line)) } : json);
}

function createLog(config: Config, destination: DestinationStream): Logger {
  const serializers = { err: serialiseError };
  return pino(
    { level: config.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime, serializers },
    destination,
  );
}

/** Without further members: drivers hang whole connections, secrets included, on their errors. */
function serialiseError(thrown: unknown): Readonly<Record<string, unknown>> {
  const error = coerceError(thrown);
  return {
    type: error.name,
    message: error.message,
    ...('code' in error ? { code: error.code } : {}),
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: serialiseError(error.cause) }),
  };
}

/** One line of JSON as a line for people. */
function readable(line: string): string {
  const { time, level, msg, err, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const name = pino.levels.labels[Number(level)] ?? '';
  const error = typeof err === 'object' && err !== null && 'stack' in err ? `\n${String(err.stack)}` : '';
  const rest = Object.entries(fields).map(([key, value]) => ` ${key}=${JSON.stringify(value)}`);
  return `${String(time).slice(11, 19)} ${name.padEnd(5)} ${sanitise(String(msg))}${sanitise(rest.join(''))}${error}\n`;
}
