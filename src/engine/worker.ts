import type { BuildJobs } from '../state/build-jobs.ts';
import type { Engine } from './engine.ts';
import { BuildCancelled } from './failure.ts';
import { runBuild } from './run-build.ts';

/** Takes builds from the queue and runs them. */
export interface Worker {
  /**
   * Takes no further build, cancels those that run and waits until nothing of them is left; done within ten seconds.
   * `reason` is what the cancelled images say. Builds that wait stay queued. May be called twice.
   */
  stop(reason: string): Promise<void>;
}

/** Call recoverBuilds before: a worker takes it that no other process works in this installation's name. */
export async function startWorker(
  engine: Engine,
  jobs: BuildJobs,
  { concurrency }: { readonly concurrency: number },
): Promise<Worker> {
  const stopping = new AbortController();
  const worker = await jobs.work((imageArn) => runBuild(engine, imageArn, stopping.signal), { concurrency });
  return {
    stop: async (reason) => {
      stopping.abort(new BuildCancelled(reason));
      await worker.close();
    },
  };
}
