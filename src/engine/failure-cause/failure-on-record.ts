import { BuildFailure } from '../../util/faults.ts';
import { DistributionFailed } from '../distribution/region-failure.ts';
import { failureText } from '../foreseen.ts';
import { clip, oneLine, plainText } from '../plain-text.ts';
import { ComponentFailure } from '../steps/step-action.ts';
import { classifyFailure, type FailureCause } from './classify-failure.ts';

/** What is known of a failure, as plain data: a step keeps it, for whoever goes on with the build after its worker. */
export interface FailureOnRecord extends FailureCause {
  /** One line. */
  readonly text: string;
  /** AWS's own words: `Document <ARN> failed!` */
  readonly awsMessage?: string | undefined;
  /** The members of AWS's FailureContext that tell of the cause. */
  readonly context: {
    readonly componentFailure?: ComponentPlace | undefined;
    readonly distributionFailure?: Readonly<Record<string, unknown>> | undefined;
  };
}

/** AWS's ComponentFailure. */
export interface ComponentPlace {
  readonly componentArn: string;
  readonly phaseName: string;
  readonly stepName: string;
  readonly action: string;
  readonly errorMessage: string;
}

/** A step failed before somebody else went on with its build. */
export class RecordedFailure extends BuildFailure {
  readonly failure: FailureOnRecord;

  constructor(failure: FailureOnRecord) {
    super(failure.text);
    this.failure = failure;
  }
}

/** Longest `errorMessage` of a FailureContext (API Reference), and more than a reason can hold. */
const MAX_TEXT = 1024;

export function failureOnRecord(error: Error): FailureOnRecord {
  if (error instanceof RecordedFailure) return error.failure;
  const { class: found, tryNext } = classifyFailure(error);
  const component = error instanceof ComponentFailure ? error : undefined;
  return {
    class: found,
    tryNext,
    text: clip(oneLine(failureText(error)), MAX_TEXT),
    ...(component === undefined ? {} : { awsMessage: component.awsMessage }),
    context: contextOf(error),
  };
}

function contextOf(error: Error): FailureOnRecord['context'] {
  if (error instanceof DistributionFailed) {
    const errorMessage = clip(plainText(error.failure.errorMessage), MAX_TEXT);
    return { distributionFailure: { errorMessage, regionFailures: [{ ...error.failure, errorMessage }] } };
  }
  if (!(error instanceof ComponentFailure) || error.place === undefined) return {};
  const { documentId, phase, step, action, errorMessage } = error.place;
  return {
    componentFailure: {
      ...{ componentArn: documentId, phaseName: phase, stepName: step, action },
      errorMessage: clip(plainText(errorMessage), MAX_TEXT),
    },
  };
}
