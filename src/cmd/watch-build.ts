import { CancelImageCreationCommand } from '@aws-sdk/client-imagebuilder';
import { coerceError } from '../util/faults.ts';
import type { Connection } from './connect.ts';
import { advance, type BuildProgress, NO_PROGRESS } from './display/build-progress.ts';
import type { BuildReport } from './display/build-report.ts';
import { followBuild } from './service-client.ts';

export interface WatchedBuild {
  readonly progress: BuildProgress;
  /** Why nothing was heard of the build any more before its end; it may go on. */
  readonly lost: Error | undefined;
}

/** How long a cancelled build may take to end; what is left then is ended with the service or by its next start. */
const CANCEL_MS = 10_000;

/**
 * Reports a build until it ends. When `signal` aborts, the build is cancelled and its end still awaited, so that nothing
 * of it is left when the command ends.
 */
export async function watchBuild(
  { address, client }: Connection,
  arn: string,
  report: BuildReport,
  signal: AbortSignal,
): Promise<WatchedBuild> {
  let progress = NO_PROGRESS;
  const givingUp = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const cancel = (): void => {
    report.note('cancelling the build');
    timer = setTimeout(() => givingUp.abort(), CANCEL_MS);
    // A build that ended in the meantime cannot be cancelled any more: then its end is on the way to us.
    client.send(new CancelImageCreationCommand({ imageBuildVersionArn: arn })).catch(() => {});
  };
  if (signal.aborted) cancel();
  else signal.addEventListener('abort', cancel, { once: true });
  try {
    for await (const line of followBuild(address, arn, true, givingUp.signal)) {
      progress = advance(progress, line);
      report.line(line);
    }
    return { progress, lost: undefined };
  } catch (error) {
    return { progress, lost: givingUp.signal.aborted ? undefined : coerceError(error) };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', cancel);
  }
}
