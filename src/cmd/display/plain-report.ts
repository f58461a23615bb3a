import pc from 'picocolors';
import type { FollowLine } from '../../contract/follow.ts';
import type { BuildReport } from './build-report.ts';
import { renderSummary } from './summary.ts';
import { formatSeconds, sanitise } from './text.ts';

/** Lines for logs and for people without a terminal. */
export function createPlainReport(write: (text: string) => void): BuildReport {
  const say = (text: string): void => write(`${text}\n`);
  return {
    applied: ({ outcome, arn }) => say(`${outcome.padEnd(9)}  ${arn}`),
    started: (arn) => say(`building   ${arn}`),
    line: (line) => {
      const text = plainLine(line);
      if (text !== undefined) say(text);
    },
    note: say,
    done: (outcome) => say(renderSummary(outcome, pc.createColors(false)).join('\n')),
    close: () => {},
  };
}

/** What a line of the build says in a log; undefined for those that only a program wants. */
export function plainLine(line: FollowLine): string | undefined {
  switch (line.kind) {
    case 'image':
      return `${clock(line.at)}  ${line.status}${line.reason === undefined ? '' : `: ${sanitise(line.reason)}`}`;
    case 'step': {
      if (line.status === 'PENDING') return undefined;
      const time = line.seconds === undefined ? '' : ` in ${formatSeconds(line.seconds)}`;
      const message = line.message === undefined || line.status === 'COMPLETED' ? '' : `: ${sanitise(line.message)}`;
      return `${clock(line.at)}  ${line.workflow} ${sanitise(line.name)} ${line.status}${time}${message}`;
    }
    case 'log':
      return line.source === 'console' ? undefined : `${clock(line.at)}    | ${sanitise(line.message)}`;
    case 'end':
      return undefined;
  }
}

function clock(at: string): string {
  return at.slice(11, 19);
}
