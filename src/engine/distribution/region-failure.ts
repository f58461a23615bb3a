import { BuildFailure } from '../../util/faults.ts';

/** AWS's RegionFailure. Source: API Reference, RegionFailure. */
export interface RegionFailure {
  readonly region: string;
  readonly status: 'FAILED';
  /** What was done with the AMI when it failed; undefined: it was not there yet. */
  readonly imageConfigurationStep?: 'PUT_SSM_PARAMETERS' | undefined;
  readonly errorMessage: string;
  readonly targetAccountId: string;
}

/** An AMI did not come to be, somewhere, what the distribution says. */
export class DistributionFailed extends BuildFailure {
  readonly failure: RegionFailure;

  /** @param cause What says who has to mend it. */
  constructor(failure: Omit<RegionFailure, 'status'>, cause: unknown) {
    super(`Distribution to ${failure.region} failed: ${failure.errorMessage}`, { cause });
    this.failure = { ...failure, status: 'FAILED' };
  }
}
