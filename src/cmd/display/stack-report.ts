import type { AppliedResource } from '../../template/apply-template.ts';
import type { NamedResource } from '../../template/named-resources.ts';
import type { RemovedResource } from '../../template/stack.ts';
import type { BuildReport } from './build-report.ts';
import { createJsonReport } from './json-report.ts';
import { createPlainReport } from './plain-report.ts';
import { sanitise } from './text.ts';

/** What `kiln apply` and `kiln destroy` tell while they work: in plain lines, or as JSON events. */
export interface StackReport {
  /** Of the images that are built on the way. */
  readonly build: BuildReport;
  /** A resource of another service, of which there is nothing but the name. */
  named(resource: NamedResource): void;
  applied(resource: AppliedResource): void;
  removed(resource: RemovedResource): void;
  done(
    stackName: string,
    applied: readonly AppliedResource[],
    removed: readonly RemovedResource[],
    outputs: readonly StackOutput[],
  ): void;
}

interface StackOutput {
  readonly name: string;
  readonly value: string;
}

export function createStackReport(json: boolean, write: (text: string) => void): StackReport {
  return json ? jsonReport(write) : plainReport(write);
}

function plainReport(write: (text: string) => void): StackReport {
  const say = (text: string): void => write(`${text}\n`);
  const build = createPlainReport(write);
  return {
    build,
    named: ({ logicalId, type, name }) => say(`name only  ${type} ${logicalId}: ${sanitise(name)}`),
    applied: (resource) => build.applied(resource),
    removed: ({ outcome, arn, reason }) => {
      say(`${outcome.padEnd(9)}  ${arn}${reason === undefined ? '' : `: ${sanitise(reason)}`}`);
    },
    done: (stackName, applied, removed, outputs) => {
      for (const { name, value } of outputs) say(`${name} = ${sanitise(value)}`);
      say(`stack ${stackName}: ${summaryOf([...applied, ...removed].map(({ outcome }) => outcome))}`);
    },
  };
}

function summaryOf(outcomes: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const outcome of outcomes) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  return outcomes.length === 0
    ? 'has no resources'
    : [...counts].map(([outcome, count]) => `${count} ${outcome}`).join(', ');
}

function jsonReport(write: (text: string) => void): StackReport {
  const event = (name: string, fields: object): void => write(`${JSON.stringify({ event: name, ...fields })}\n`);
  const build = createJsonReport(write);
  return {
    build,
    named: (resource) => event('named', resource),
    applied: (resource) => build.applied(resource),
    removed: (resource) => event('removed', resource),
    done: (stackName, _applied, _removed, outputs) => event('done', { stackName, outputs }),
  };
}
