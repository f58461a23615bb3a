import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { listStack, type RemovedResource, removeResources } from '../template/stack.ts';
import { type Command, type Io, UsageError } from './command.ts';
import { connect } from './connect.ts';
import { createStackReport } from './display/stack-report.ts';
import { EXIT } from './exit-codes.ts';
import { callOperation } from './service-client.ts';
import { stackNameOf } from './template-plans.ts';

export const destroy: Command = {
  usage: 'TEMPLATE|STACK [--stack-name NAME] [--yes] [--json]',
  summary: 'Removes what `kiln apply` made of a template.',
  description:
    'In the order of dependencies: what needs others first. What something outside of the stack needs stays, and is\n' +
    'named; what the template retains (DeletionPolicy) stays and belongs to nobody. AMIs stay: `kiln rm` removes them.\n' +
    'On a terminal it asks first.',
  positionals: { min: 1, max: 1 },
  options: {
    'stack-name': { type: 'string', value: 'NAME', help: 'as it was given to kiln apply' },
    yes: { type: 'boolean', short: 'y', help: 'do not ask' },
    json: { type: 'boolean', help: 'one JSON event per line' },
  },

  async run(args, { config, io, signal }) {
    const [argument = ''] = args.positionals;
    const isFile = existsSync(argument);
    if (!isFile && /[./]/.test(argument)) throw new UsageError(`there is no template ${argument}`);
    const stackName = isFile || args.text('stack-name') !== undefined ? stackNameOf(args, argument) : argument;
    await using connection = await connect(config, signal, { builds: false });
    const call: Parameters<typeof listStack>[0] = (operation, input, until) =>
      callOperation(connection.address, operation, input, until);
    const report = createStackReport(args.flag('json'), (text) => io.stdout.write(text));
    const resources = await listStack(call, stackName, signal);
    const asks = resources.length > 0 && !args.flag('yes') && process.stdin.isTTY && io.stderr.isTTY;
    if (asks && !(await confirm(io, `Remove the ${resources.length} resources of ${stackName}?`, signal))) {
      return EXIT.interrupted;
    }
    const removed: RemovedResource[] = [];
    for await (const resource of removeResources(call, resources, () => undefined, signal)) {
      removed.push(resource);
      report.removed(resource);
    }
    report.done(stackName, [], removed, []);
    return removed.some(({ outcome }) => outcome === 'kept') ? EXIT.failed : EXIT.done;
  },
};

async function confirm({ stderr }: Io, question: string, signal: AbortSignal): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `, { signal })).trim());
  } finally {
    terminal.close();
  }
}
