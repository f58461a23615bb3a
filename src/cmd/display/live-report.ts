import pc from 'picocolors';
import { advance, NO_PROGRESS } from './build-progress.ts';
import type { BuildReport } from './build-report.ts';
import { createPainter } from './painter.ts';
import { renderProgress } from './render-progress.ts';
import { renderSummary } from './summary.ts';
import { clip } from './text.ts';

/** Elapsed times tick ten times a second; a frame that looks the same is not drawn. */
const FRAME_MS = 100;

/** Shows the build in place on a terminal. `close` must be called, else the cursor stays hidden. */
export function createLiveReport(terminal: NodeJS.WriteStream, colour: boolean): BuildReport {
  const colours = pc.createColors(colour);
  const painter = createPainter((text) => terminal.write(text));
  let progress = NO_PROGRESS;
  let note: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  const paint = (): void => {
    // A terminal that does not know its size says 0.
    const columns = (terminal.columns || 80) - 1;
    const rows = terminal.rows || 24;
    const lines = renderProgress({
      progress,
      now: Date.now(),
      columns,
      rows: note === undefined ? rows : rows - 1,
      colours,
    });
    painter.paint(note === undefined ? lines : [...lines, clip(note, columns)]);
  };
  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
    painter.end();
  };
  return {
    applied: ({ outcome, arn }) => {
      if (outcome !== 'unchanged') painter.print(`${outcome.padEnd(9)}  ${arn}`);
    },
    started: (arn) => {
      painter.print(`building   ${arn}`);
      timer = setInterval(paint, FRAME_MS);
    },
    line: (line) => {
      progress = advance(progress, line);
    },
    note: (text) => {
      note = text;
      if (timer === undefined) painter.print(text);
    },
    done: (outcome) => {
      stop();
      terminal.write(`${renderSummary(outcome, colours).join('\n')}\n`);
    },
    close: stop,
  };
}
