import { awsSettings } from '../../toe/services/aws-settings.ts';
import { type LogStream, openLogStream } from '../../toe/services/cloudwatch-logs.ts';
import { BuilderFault, coerceError } from '../../util/faults.ts';
import type { CommandContext } from '../command.ts';
import type { CloudWatchLog } from './settings.ts';

/** What is left when the run has ended must be gone by then. */
const SEND_WITHIN_MS = 20_000;

export interface ConsoleStream extends AsyncDisposable {
  readonly write: (line: string) => void;
  /** Sends what is left. @throws BuilderFault unless failures are to be ignored */
  finish(): Promise<void>;
}

/**
 * Sends `console.log` to CloudWatch Logs while the run goes on. Where its failures are to be ignored they are told on
 * standard error.
 *
 * @throws BuilderFault before anything was run.
 */
export async function streamConsole(
  { group, stream, region, ignoreFailures }: CloudWatchLog,
  executionId: string,
  { config, io, signal }: CommandContext,
): Promise<ConsoleStream> {
  const place = { group, stream: stream ?? executionId };
  const failed = (error: unknown): undefined => {
    const message = coerceError(error).message;
    if (!ignoreFailures) {
      const hint = '--cw-ignore-failures lets a run go on without it.';
      throw new BuilderFault(`CloudWatch Logs: ${message}`, { hint, cause: error });
    }
    io.stderr.write(`kiln: CloudWatch Logs: ${message}; the run goes on without it\n`);
  };
  const open = async (): Promise<LogStream> => {
    const settings = awsSettings(config.environment, 'cloudwatch_logs', config.region ?? 'us-east-1');
    if (settings === undefined) {
      throw new Error(
        'no credentials are configured on this machine: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE',
      );
    }
    return openLogStream({ ...settings, region: region ?? settings.region }, place, signal);
  };
  let opened: LogStream | undefined = await open().catch((error: unknown) => {
    signal.throwIfAborted();
    return failed(error);
  });
  const end = async (): Promise<void> => {
    const ending = opened;
    opened = undefined;
    await ending?.end(AbortSignal.timeout(SEND_WITHIN_MS));
  };
  return {
    write: (line) => opened?.write(line),
    finish: () => end().catch(failed),
    // After a failure or an abort: it is told already why the run ended.
    [Symbol.asyncDispose]: () => end().catch(() => {}),
  };
}
