import type { Executor } from '../build-host/build-host.ts';
import { BuildFailure } from '../util/faults.ts';

/** On an infrastructure configuration, or on an image, where it comes first. */
export const EXECUTOR_TAG = 'kiln:executor';

/**
 * Executors that may be asked for. The others are not offered until both ways have been shown to give the same image
 * (test/builds/executors.vm.test.ts).
 */
export const OFFERED_EXECUTORS: readonly Executor[] = ['vm'];

type Tags = Readonly<Record<string, string>>;

/** The executor that tags ask for. Throws a BuildFailure for a word that is none. */
export function executorOf(image: Tags, infrastructure: Tags): Executor {
  const word = image[EXECUTOR_TAG] ?? infrastructure[EXECUTOR_TAG] ?? 'vm';
  const executor = OFFERED_EXECUTORS.find((known) => known === word);
  if (executor !== undefined) return executor;
  throw new BuildFailure(`The tag ${EXECUTOR_TAG} is '${word}'; it can be ${OFFERED_EXECUTORS.join(', ')}`);
}
