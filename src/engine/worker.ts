import type { BuildJobs } from '../state/build-jobs.ts';
import type { Engine } from './engine.ts';
import { BuildCancelled } from './failure.ts';
import { recoverBuilds } from './recover-builds.ts';
import { runBuild } from './run-build.ts';

/** Takes builds from the queue and runs them. */
export interface Worker extends AsyncDisposable {
  /**
   * Takes no further build, cancels those that run and waits until nothing of them is left; done within ten seconds.
   * `reason` is what the cancelled images say. Builds that wait stay queued. May be called twice.
   */
  stop(reason: string): Promise<void>;
}

const STOPPED = 'Kiln was stopped while the image was being built.';

/**
 * Ends what an earlier process of this installation left behind, then takes builds. No other process may work in this
 * installation's name: the lock of its home sees to that.
 */
export async function startWorker(
  engine: Engine,
  jobs: BuildJobs,
  { concurrency }: { readonly concurrency: number },
): Promise<Worker> {
  const ended = await recoverBuilds(engine, jobs);
  if (ended.length > 0) engine.log.warn({ images: ended }, 'ended builds that an earlier process left unfinished');
  const stopping = new AbortController();
  const worker = await jobs.work((imageArn) => runBuild(engine, imageArn, stopping.signal), { concurrency });
  const stop = async (reason: string): Promise<void> => {
    stopping.abort(new BuildCancelled(reason));
    await worker.close();
  };
  return { stop, [Symbol.asyncDispose]: () => stop(STOPPED) };
}
