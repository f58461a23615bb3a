import { parseArn } from '../../contract/arn.ts';
import { documentStepKey } from '../../state/step-history.ts';
import type { DocumentMonitor } from '../../toe/run-documents.types.ts';

/** The step of a component, whichever its version: what its durations are kept by. */
export function keyOfDocumentStep(componentArn: string, phase: string, step: string): string {
  return documentStepKey(parseArn(componentArn)?.slug ?? componentArn, phase, step);
}

/** A monitor that also notes how long the document steps took that ended well. */
export function withDurations(
  monitor: DocumentMonitor,
): DocumentMonitor & { readonly seconds: Record<string, number> } {
  const seconds: Record<string, number> = {};
  return {
    seconds,
    line: (source, text) => monitor.line(source, text),
    stepStarted: (step) => monitor.stepStarted(step),
    stepEnded: (step, status, took, failureMessage) => {
      if (status === 'success') seconds[keyOfDocumentStep(step.documentId, step.phase, step.step)] = took;
      monitor.stepEnded(step, status, took, failureMessage);
    },
  };
}
