import type { FollowLine, FollowStep } from '../../contract/follow.ts';

/** What is known of a build while it runs; made from the lines of contract/follow.ts, one by one. */
export interface BuildProgress {
  readonly status: string;
  readonly reason: string | undefined;
  /** When the image got its first status, milliseconds since 1970. */
  readonly startedAt: number | undefined;
  /** In the order in which they were first heard of. */
  readonly steps: readonly StepProgress[];
  /** The last line of output of the running step, or what Kiln said it does. */
  readonly lastLine: string | undefined;
  /** The last lines that programs wrote, oldest first: what a failure is explained with. */
  readonly tail: readonly string[];
}

export interface StepProgress {
  readonly stepExecutionId: string;
  readonly workflow: string;
  readonly name: string;
  readonly action: string;
  readonly status: string;
  readonly message: string | undefined;
  /** Milliseconds since 1970; undefined while it waits. */
  readonly startedAt: number | undefined;
  readonly seconds: number | undefined;
}

const TAIL_LINES = 20;

export const NO_PROGRESS: BuildProgress = {
  status: 'PENDING',
  reason: undefined,
  startedAt: undefined,
  steps: [],
  lastLine: undefined,
  tail: [],
};

export function advance(progress: BuildProgress, line: FollowLine): BuildProgress {
  switch (line.kind) {
    case 'image':
      return {
        ...progress,
        status: line.status,
        reason: line.reason,
        startedAt: progress.startedAt ?? Date.parse(line.at),
      };
    case 'step':
      return { ...progress, steps: withStep(progress.steps, line), lastLine: undefined };
    case 'log':
      if (line.source === 'console') return progress;
      return {
        ...progress,
        lastLine: line.message,
        tail: line.source === 'kiln' ? progress.tail : [...progress.tail, line.message].slice(-TAIL_LINES),
      };
    case 'end':
      return { ...progress, status: line.status, reason: line.reason ?? progress.reason };
  }
}

function withStep(steps: readonly StepProgress[], line: FollowStep): readonly StepProgress[] {
  const known = steps.find((step) => step.stepExecutionId === line.stepExecutionId);
  const begins = line.status === 'RUNNING' ? Date.parse(line.at) : undefined;
  const step: StepProgress = {
    stepExecutionId: line.stepExecutionId,
    workflow: line.workflow,
    name: line.name,
    action: line.action,
    status: line.status,
    message: line.message,
    startedAt: known?.startedAt ?? begins,
    seconds: line.seconds,
  };
  return known === undefined ? [...steps, step] : steps.map((other) => (other === known ? step : other));
}
