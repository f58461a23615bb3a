import type { FollowLine } from '../../contract/follow.ts';
import type { AppliedResource } from '../../template/apply-template.ts';
import type { BuildOutcome } from './build-outcome.ts';

/** What `kiln build` tells while it works: on a terminal, in plain lines, or as JSON events. */
export interface BuildReport {
  applied(resource: AppliedResource): void;
  started(imageBuildVersionArn: string): void;
  line(line: FollowLine): void;
  /** Progress that is no line of the build: exporting, waiting. */
  note(text: string): void;
  done(outcome: BuildOutcome): void;
  /** Gives the terminal back. May be called twice, also without `done`. */
  close(): void;
}
