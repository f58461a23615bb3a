import { readFile } from 'node:fs/promises';
import { STATE_MACHINE_NAME, stateMachineRegistry } from '../state-machines/local/registry.ts';
import { type Command, UsageError } from './command.ts';
import { ensureCredentials } from './credentials.ts';
import { renderTable } from './display/table.ts';
import { EXIT } from './exit-codes.ts';
import { ensureHome } from './kiln-home.ts';

export const stateMachine: Command = {
  usage: 'add NAME FILE | list | rm NAME',
  summary: 'Manages the state machines that steps of workflows start (ExecuteStateMachine).',
  description:
    'FILE is in Amazon States Language with JSONPath. Tasks are functions (kiln function, or those of a service).\n' +
    'JSONata, variables and task tokens are refused.',
  positionals: { min: 1, max: 3 },
  options: {},

  async run(args, { config, io }) {
    const [action, name = '', file] = args.positionals;
    const registry = stateMachineRegistry(config.home.stateMachines);
    if (action === 'list') {
      const credentials = await ensureCredentials(config.home);
      const accountId = config.accountId ?? credentials.accountId;
      const region = config.region ?? credentials.region;
      const arn = (one: string): string => `arn:aws:states:${region}:${accountId}:stateMachine:${one}`;
      io.stdout.write(
        renderTable(
          ['NAME', 'ARN'],
          (await registry.list()).map((one) => [one, arn(one)]),
        ),
      );
      return EXIT.done;
    }
    if (action === 'rm') {
      if (!(await registry.remove(name))) throw new UsageError(`there is no state machine '${name}'`);
      io.stderr.write(`kiln: removed ${name}\n`);
      return EXIT.done;
    }
    if (action !== 'add' || file === undefined) throw new UsageError('usage: kiln state-machine add NAME FILE');
    if (!STATE_MACHINE_NAME.test(name)) {
      throw new UsageError(`'${name}' cannot be a name: 1 to 80 letters, digits, - and _`);
    }
    await ensureHome(config.home);
    await registry.add(name, await readFile(file, 'utf8'));
    io.stderr.write(`kiln: added ${name}\n`);
    return EXIT.done;
  },
};
