import type { BuildOutcome } from './build-outcome.ts';
import type { BuildReport } from './build-report.ts';

/** One JSON event per line; the last one is `done`. */
export function createJsonReport(write: (text: string) => void): BuildReport {
  const event = (name: string, fields: object): void => write(`${JSON.stringify({ event: name, ...fields })}\n`);
  return {
    applied: (resource) => event('applied', resource),
    started: (imageBuildVersionArn) => event('started', { imageBuildVersionArn }),
    line: ({ kind, ...fields }) => event(kind, fields),
    note: (message) => event('note', { message }),
    done: (outcome) => event('done', doneFields(outcome)),
    close: () => {},
  };
}

function doneFields(outcome: BuildOutcome): object {
  const { imageBuildVersionArn, status, reason, amiId, file, seconds, steps, failure, keptInstances, ranOn, fault } =
    outcome;
  return {
    imageBuildVersionArn,
    status,
    amiId: amiId ?? null,
    file: file ?? null,
    ranOn: ranOn === undefined ? null : { executors: ranOn.executors.split(', '), because: ranOn.because ?? null },
    seconds: Number(seconds.toFixed(3)),
    steps: steps.map((step) => ({
      workflow: step.workflow,
      name: step.name,
      action: step.action,
      status: step.status,
      seconds: step.seconds ?? null,
    })),
    ...(status === 'AVAILABLE' ? {} : { reason: reason ?? null, failure: failure ?? null, keptInstances }),
    ...(fault === undefined ? {} : { fault: fault.message }),
  };
}
