import type { StepProgress } from './build-progress.ts';

/** How a build ended, as the last event of `--json` and the summary tell it. */
export interface BuildOutcome {
  readonly imageBuildVersionArn: string;
  readonly status: string;
  readonly reason: string | undefined;
  readonly amiId: string | undefined;
  /** Where the image was written; undefined when it was not. */
  readonly file: string | undefined;
  readonly fileBytes: number | undefined;
  /** From the start of the command. */
  readonly seconds: number;
  readonly steps: readonly StepProgress[];
  readonly failure: FailedComponent | undefined;
  /** Undefined when no component ran. */
  readonly ranOn?: RanOn | undefined;
  /** The last lines of output before a failure. */
  readonly tail: readonly string[];
  /** How to get into instances that were kept. */
  readonly keptInstances: readonly KeptInstance[];
  /** Values of the template's outputs. */
  readonly outputs: readonly { readonly name: string; readonly value: string }[];
  /** What went wrong beside the build: the service went away, or the file could not be written. */
  readonly fault?: Error | undefined;
}

/** How the components of a build were run. */
export interface RanOn {
  /** `direct`, `vm`, or `direct, vm` when the disk was booted in between. */
  readonly executors: string;
  /** Why a machine was needed. */
  readonly because: string | undefined;
}

/** Of a component step that failed. */
export interface FailedComponent {
  readonly componentArn: string;
  readonly phaseName: string;
  readonly stepName: string;
  readonly action: string;
  readonly errorMessage: string;
}

export interface KeptInstance {
  readonly instanceId: string;
  readonly enterCommand: string;
}
