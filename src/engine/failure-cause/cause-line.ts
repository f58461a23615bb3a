import type { StepHistory } from '../../state/step-history.ts';
import type { FailureCause } from './classify-failure.ts';

const SEPARATOR = ' | ';
const CAUSE = 'cause: ';
const TRY = 'try: ';
const COMMAND = 'command: ';

/** The parts of a reason that say what class the failure is of and what to do next. */
export function causeLine({ class: found, tryNext }: FailureCause, history: StepHistory | undefined): string {
  return [`${CAUSE}${found}${history === undefined ? '' : ` (${historyText(history)})`}`, `${TRY}${tryNext}`].join(
    SEPARATOR,
  );
}

/** The part of a step's message that names the command that failed. */
export function commandLine(command: string): string {
  return `${COMMAND}${command.replaceAll(SEPARATOR, ' ; ')}`;
}

function historyText({ runs, medianSeconds, longestSeconds }: StepHistory): string {
  const times = runs === 1 ? 'one earlier run' : `${runs} earlier runs`;
  const took = `${round(medianSeconds)} s${runs === 1 ? '' : `, at most ${round(longestSeconds)} s`}`;
  return `it took ${took} in ${times}`;
}

function round(seconds: number): string {
  return seconds < 10 ? seconds.toFixed(1) : seconds.toFixed(0);
}

/** What a reason of a failed image says, taken apart again. */
export interface ExplainedReason {
  /** What happened, in Kiln's words. */
  readonly what: string;
  readonly command: string | undefined;
  readonly lines: readonly string[];
  readonly cause: string | undefined;
  readonly tryNext: string | undefined;
  /** What was kept or removed, and how to go on with it. */
  readonly remarks: readonly string[];
}

/** AWS's words that a reason begins with; they repeat what the records say. */
const PREAMBLE = /^Workflow Execution ID: '[^']*' failed with reason: (?:Document \S+ failed! ?)?/;

export function explainReason(reason: string): ExplainedReason {
  const [what = '', ...parts] = reason.replace(PREAMBLE, '').split(SEPARATOR);
  const after = (prefix: string): string | undefined =>
    parts.find((part) => part.startsWith(prefix))?.slice(prefix.length);
  const causeAt = parts.findIndex((part) => part.startsWith(CAUSE));
  const before = causeAt === -1 ? parts : parts.slice(0, causeAt);
  return {
    what,
    command: after(COMMAND),
    lines: before.filter((part) => !part.startsWith(COMMAND)),
    cause: after(CAUSE),
    tryNext: after(TRY),
    remarks: causeAt === -1 ? [] : parts.slice(causeAt + 1).filter((part) => !part.startsWith(TRY)),
  };
}
