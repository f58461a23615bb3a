import { AwsError } from '../../contract/errors.ts';
import { TargetLostError } from '../../toe/target.ts';
import { BuilderFault, BuildFailure, coerceError } from '../../util/faults.ts';
import { InvalidDocumentError } from '../../util/problem.ts';
import { DistributionFailed } from '../distribution/region-failure.ts';
import { ComponentFailure } from '../steps/step-action.ts';
import { ADVICE, type FailureClass, OUTPUT_RULES } from './failure-classes.ts';

export interface FailureCause {
  readonly class: FailureClass;
  /** What to do next, one sentence. */
  readonly tryNext: string;
}

/** Of the machine that builds; a guest says it in its output. */
const WORKER_FULL = /disk .*is full|no space left on device|ENOSPC/i;
const FULL_WORKER: FailureCause = {
  class: 'disk full',
  tryNext: 'Free space on the disk of the worker (`kiln cache`, `kiln rm`), then build again.',
};
/** 137: the kernel killed it, and for want of memory is the usual reason. */
const KILLED = /^exit status 137$/;

/** The class of what a step, or a build before its steps, failed with. */
export function classifyFailure(error: Error): FailureCause {
  if (error instanceof ComponentFailure) return causeOf(classOfComponent(error));
  if (error instanceof DistributionFailed) return classifyFailure(coerceError(error.cause));
  if (error instanceof TargetLostError) return causeOf('guest lost');
  if (error instanceof BuilderFault && error.missingPrerequisite) return causeOf('missing prerequisite');
  if (error instanceof BuilderFault) return WORKER_FULL.test(error.message) ? FULL_WORKER : causeOf('builder fault');
  if (error instanceof InvalidDocumentError || error instanceof AwsError) return causeOf('definition');
  if (!(error instanceof BuildFailure)) return causeOf('builder fault');
  if (error.kind !== undefined) return causeOf(error.kind);
  const [first = '', ...said] = error.message.split('\n');
  const output = classOfOutput(said);
  if (output !== undefined) return causeOf(output);
  if (/exit (?:status|code) \d+/.test(first)) return causeOf('script error');
  return causeOf('definition');
}

function classOfComponent({ place, message }: ComponentFailure): FailureClass {
  if (place === undefined) return classOfOutput(message.split('\n')) ?? 'script error';
  if (place.timedOut === true) return 'timeout';
  // A step that downloads says in its own message what curl said.
  const found = classOfOutput([...place.lastLines, place.errorMessage]);
  if (found !== undefined) return found;
  return KILLED.test(place.errorMessage) ? 'out of memory' : 'script error';
}

/** What lines of output are signs of; undefined when they are none. */
export function classOfOutput(lines: readonly string[]): FailureClass | undefined {
  return OUTPUT_RULES.find(({ signs }) => lines.some((line) => signs.some((sign) => sign.test(line))))?.class;
}

function causeOf(found: FailureClass): FailureCause {
  return { class: found, tryNext: ADVICE[found] };
}
