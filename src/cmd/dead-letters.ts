import { type Command, UsageError } from './command.ts';
import { connect } from './connect.ts';
import { renderTable } from './display/table.ts';
import { EXIT } from './exit-codes.ts';
import { callKiln } from './kiln-calls.ts';

export const deadLetters: Command = {
  usage: '[--json] | --retry ID|all | --drop ID|all',
  summary: 'Lists events and messages that could not be delivered, or tries or forgets them.',
  positionals: { min: 0, max: 0 },
  options: {
    retry: { type: 'string', value: 'ID|all', help: 'try again' },
    drop: { type: 'string', value: 'ID|all', help: 'forget' },
    json: { type: 'boolean', help: 'one JSON object per line' },
  },

  async run(args, { config, io, signal }) {
    const [retry, drop] = [args.text('retry'), args.text('drop')];
    if (retry !== undefined && drop !== undefined) throw new UsageError('--retry and --drop exclude each other');
    await using connection = await connect(config, signal, { builds: false });
    const call = (operation: string, input: Readonly<Record<string, unknown>>) =>
      callKiln(connection.address, operation, input, signal);
    const which = retry ?? drop;
    if (which !== undefined) {
      const input = which === 'all' ? { all: true } : { id: which };
      const { count } = await call(retry === undefined ? 'DropDeadLetters' : 'RetryDeadLetters', input);
      io.stderr.write(`kiln: ${count} ${retry === undefined ? 'dropped' : 'to be tried again'}\n`);
      return EXIT.done;
    }
    const found: DeadLetterAnswer[] = [];
    for (let after: unknown; ; ) {
      const page = await call('ListDeadLetters', after === undefined ? {} : { after });
      found.push(...((page['deadLetters'] ?? []) as DeadLetterAnswer[]));
      after = page['after'];
      if (after === undefined) break;
    }
    if (args.flag('json')) for (const letter of found) io.stdout.write(`${JSON.stringify(letter)}\n`);
    else io.stdout.write(renderTable(['ID', 'GIVEN UP', 'TRIES', 'ROUTE', 'ABOUT', 'ERROR'], found.map(rowOf)));
    return EXIT.done;
  },
};

interface DeadLetterAnswer {
  readonly id: string;
  readonly route: string;
  readonly about: string;
  readonly attempts: number;
  readonly error: string;
  readonly deadAt: string;
}

function rowOf({ id, deadAt, attempts, route, about, error }: DeadLetterAnswer): string[] {
  return [id, deadAt.slice(0, 16).replace('T', ' '), String(attempts), route, about, error.slice(0, 120)];
}
