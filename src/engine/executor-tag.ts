import type { Executor } from '../build-host/build-host.ts';
import { BuildFailure } from '../util/faults.ts';

/** On an infrastructure configuration, or on an image, where it comes first. */
export const EXECUTOR_TAG = 'kiln:executor';

/** The executors that may be asked for. */
export const EXECUTORS: readonly Executor[] = ['auto', 'direct', 'vm'];

/** What AWS calls an express build is one that boots nothing. */
const EXPRESS_WORKFLOW = /:aws:workflow\/build\/express-build-image\//;

type Tags = Readonly<Record<string, string>>;

/**
 * The executor that tags ask for; without one that of the build workflow, `direct` for the express one and `auto` for every
 * other. Throws a BuildFailure for a word that is none.
 */
export function executorOf(image: Tags, infrastructure: Tags, workflowArns: readonly string[] = []): Executor {
  const word = image[EXECUTOR_TAG] ?? infrastructure[EXECUTOR_TAG];
  if (word === undefined) return workflowArns.some((arn) => EXPRESS_WORKFLOW.test(arn)) ? 'direct' : 'auto';
  const executor = EXECUTORS.find((known) => known === word);
  if (executor !== undefined) return executor;
  throw new BuildFailure(`The tag ${EXECUTOR_TAG} is '${word}'; it can be ${EXECUTORS.join(', ')}`);
}
