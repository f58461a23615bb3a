import type { Colors } from 'picocolors/types.js';
import type { BuildProgress, StepProgress } from './build-progress.ts';
import { clip, displayWidth, formatSeconds, sanitise } from './text.ts';

export interface Frame {
  readonly progress: BuildProgress;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly columns: number;
  readonly rows: number;
  readonly colours: Colors;
}

const MARKS: Readonly<Record<string, string>> = {
  COMPLETED: '✓',
  FAILED: '✗',
  CANCELLED: '✗',
  SKIPPED: '-',
  RUNNING: '›',
  PENDING: '·',
};

/** The lines of the live display: stages with their steps, elapsed times, and what the running step said last. */
export function renderProgress(frame: Frame): readonly string[] {
  const { progress, now, colours } = frame;
  const elapsed = progress.startedAt === undefined ? 0 : (now - progress.startedAt) / 1000;
  const lines = [row(frame, colours.bold(progress.status), progress.status, elapsed)];
  const said = progress.lastLine === undefined ? '' : clip(`      ${sanitise(progress.lastLine)}`, frame.columns);
  // Before the first step the base image may be made, which takes minutes.
  const between = !progress.steps.some((step) => step.status === 'RUNNING');
  if (between && said !== '') lines.push(colours.dim(said));
  let workflow: string | undefined;
  for (const step of progress.steps) {
    if (step.workflow !== workflow) {
      workflow = step.workflow;
      lines.push(clip(`  ${sanitise(workflow)}`, frame.columns));
    }
    lines.push(stepRow(frame, step));
    if (step.status === 'RUNNING' && said !== '') lines.push(colours.dim(said));
  }
  // What does not fit would scroll, and then it could not be drawn over: the end is what one wants to see.
  const room = Math.max(1, frame.rows - 1);
  return lines.length <= room ? lines : lines.slice(-room);
}

function stepRow(frame: Frame, step: StepProgress): string {
  const { colours, now } = frame;
  const running = step.status === 'RUNNING' && step.startedAt !== undefined;
  const seconds = step.seconds ?? (running ? (now - (step.startedAt ?? now)) / 1000 : undefined);
  const mark = MARKS[step.status] ?? '·';
  const text = `    ${mark} ${sanitise(step.name)}`;
  const colour = { '✓': colours.green, '✗': colours.red, '›': colours.cyan }[mark] ?? colours.dim;
  return row(frame, colour(text), text, seconds);
}

/** Text to the left, time to the right. */
function row({ columns }: Frame, coloured: string, text: string, seconds: number | undefined): string {
  const time = seconds === undefined ? '' : formatSeconds(Math.max(0, seconds));
  const width = Math.min(columns, 72);
  const gap = width - displayWidth(text) - time.length;
  return gap >= 1 ? `${coloured}${' '.repeat(gap)}${time}` : clip(`${text} ${time}`, columns);
}
