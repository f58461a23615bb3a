import pc from 'picocolors';
import type { DocumentMonitor } from '../../toe/run-documents.types.ts';
import type { Io } from '../command.ts';
import { boundedWriter } from './bounded-writer.ts';
import type { OutputFormat } from './report-problems.ts';

/** Shows steps and their output on standard error: standard output is the summary's. */
export function monitorFor(format: OutputFormat, io: Io): DocumentMonitor {
  return format === 'json' ? jsonMonitor(io) : consoleMonitor(io);
}

function consoleMonitor(io: Io): DocumentMonitor {
  const colours = pc.createColors(io.colour);
  const { write, flush } = boundedWriter(io);
  const marks = {
    success: colours.green('ok'),
    failed: colours.red('failed'),
    ignoredFailure: colours.yellow('failed (ignored)'),
    skipped: colours.dim('skipped'),
  };
  return {
    line: (source, text) => {
      write(`    ${source === 'stdout' ? printable(text) : colours.dim(printable(text))}\n`);
    },
    stepStarted: ({ phase, step, action }) => {
      write(`${colours.bold(`${phase}/${step}`)} ${colours.dim(action)}\n`);
      flush();
    },
    stepEnded: (_, status, seconds) => {
      write(`    ${marks[status]} ${colours.dim(`after ${seconds.toFixed(1)} s`)}\n`);
      flush();
    },
  };
}

/** One object per line, for programs. */
function jsonMonitor(io: Io): DocumentMonitor {
  const writer = boundedWriter(io);
  const write = (event: object): void => writer.write(`${JSON.stringify(event)}\n`);
  return {
    line: (source, text) => write({ kind: 'output', source, text }),
    stepStarted: (place) => {
      write({ kind: 'step-started', ...place });
      writer.flush();
    },
    stepEnded: (place, status, seconds, failureMessage) => {
      write({ kind: 'step-ended', ...place, status, seconds, failureMessage });
      writer.flush();
    },
  };
}

/** Control characters of a program's output must not reach the terminal. */
function printable(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
}

/** Tells everything to all of them. */
export function severalMonitors(monitors: readonly DocumentMonitor[]): DocumentMonitor {
  return {
    line: (source, text) => {
      for (const monitor of monitors) monitor.line(source, text);
    },
    stepStarted: (step) => {
      for (const monitor of monitors) monitor.stepStarted(step);
    },
    stepEnded: (step, status, seconds, failureMessage) => {
      for (const monitor of monitors) monitor.stepEnded(step, status, seconds, failureMessage);
    },
  };
}
