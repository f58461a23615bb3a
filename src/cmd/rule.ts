import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { coerceError } from '../util/faults.ts';
import { didYouMean } from '../util/problem.ts';
import { type Command, type CommandArguments, UsageError } from './command.ts';
import { type Connection, connect } from './connect.ts';
import { renderTable } from './display/table.ts';
import { EXIT } from './exit-codes.ts';
import { callKiln } from './kiln-calls.ts';
import { findPipeline } from './pipeline.ts';

const ACTIONS = ['add', 'list', 'rm'];
const TARGETS = ['webhook', 'command', 'topic', 'pipeline', 'file'] as const;

export const rule: Command = {
  usage: 'add NAME --pattern JSON|@FILE TARGET... | list [--json] | rm NAME',
  summary: 'Manages which events go where.',
  description: `A pattern is one of EventBridge's, e.g. '{"detail":{"state":{"status":["FAILED"]}}}'. add replaces a rule of the
same name. Events are delivered at least once and in order per image; what does not arrive within three days is in
kiln dead-letters. Webhooks are https only (http to this machine), their certificate is verified, redirects are not
followed. Commands run as the service's user, without a shell, with the event on their standard input.`,
  positionals: { min: 1, max: 2 },
  options: {
    pattern: { type: 'string', value: 'JSON|@FILE', help: 'which events' },
    webhook: { type: 'string', multiple: true, value: 'URL', help: 'post the event there' },
    command: {
      type: 'string',
      multiple: true,
      value: 'JSON',
      help: 'run a program: \'["/usr/bin/notify","--build"]\'',
    },
    topic: { type: 'string', multiple: true, value: 'ARN', help: 'publish to a topic' },
    pipeline: { type: 'string', multiple: true, value: 'NAME|ARN', help: 'start a pipeline' },
    file: { type: 'string', multiple: true, value: 'FILE', help: 'append a line of JSON' },
    description: { type: 'string', value: 'TEXT', help: 'what it is for' },
    disabled: { type: 'boolean', help: 'keep it, but send nothing' },
    json: { type: 'boolean', help: 'one JSON object per line (list)' },
  },

  async run(args, { config, io, signal }) {
    const [action = '', name] = args.positionals;
    if (!ACTIONS.includes(action)) {
      const near = didYouMean(action, ACTIONS);
      throw new UsageError(`kiln rule has no '${action}'${near === undefined ? '' : `; did you mean '${near}'?`}`);
    }
    if ((action === 'list') !== (name === undefined)) throw new UsageError(`usage: kiln rule ${this.usage}`);
    const pattern = action === 'add' ? await readPattern(args) : undefined;
    await using connection = await connect(config, signal, { builds: false });
    const call = (operation: string, input: Readonly<Record<string, unknown>>) =>
      callKiln(connection.address, operation, input, signal);
    if (action === 'rm') await call('DeleteRule', { name });
    if (action === 'add') {
      const targets = await readTargets(args, connection);
      const description = args.text('description');
      await call('PutRule', { name, pattern, targets, description, enabled: !args.flag('disabled') });
    }
    if (action === 'list') {
      const { rules } = await call('ListRules', {});
      const found = (Array.isArray(rules) ? rules : []) as readonly ListedRule[];
      if (args.flag('json')) for (const one of found) io.stdout.write(`${JSON.stringify(one)}\n`);
      else io.stdout.write(renderTable(['NAME', 'STATE', 'TARGETS', 'PATTERN'], found.map(rowOf)));
    }
    return EXIT.done;
  },
};

interface ListedRule {
  readonly name: string;
  readonly enabled: boolean;
  readonly pattern: object;
  readonly targets: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

function rowOf({ name, enabled, pattern, targets }: ListedRule): string[] {
  const told = Object.values(targets).map(({ kind, ...rest }) => `${kind} ${Object.values(rest).flat().join(' ')}`);
  return [name, enabled ? 'ENABLED' : 'DISABLED', told.join(', '), JSON.stringify(pattern)];
}

async function readPattern(args: CommandArguments): Promise<unknown> {
  const given = args.text('pattern');
  if (given === undefined) throw new UsageError('a rule needs a pattern: --pattern JSON or --pattern @FILE');
  const text = given.startsWith('@') ? await readFile(given.slice(1), 'utf8') : given;
  return readJson(text, '--pattern');
}

async function readTargets(args: CommandArguments, { client }: Connection): Promise<Readonly<Record<string, object>>> {
  const targets: Record<string, object> = {};
  for (const kind of TARGETS) {
    for (const [index, value] of args.texts(kind).entries()) {
      targets[`${kind}-${index + 1}`] = { kind, ...(await readTarget(kind, value, client)) };
    }
  }
  if (Object.keys(targets).length === 0) {
    throw new UsageError(`a rule needs a target: ${TARGETS.map((kind) => `--${kind}`).join(', ')}`);
  }
  return targets;
}

async function readTarget(
  kind: (typeof TARGETS)[number],
  value: string,
  client: Connection['client'],
): Promise<object> {
  switch (kind) {
    case 'webhook':
      return { url: value };
    case 'command':
      return { command: readJson(value, '--command') };
    case 'topic':
      return { topicArn: value };
    case 'pipeline':
      return { imagePipelineArn: await findPipeline(client, value) };
    case 'file':
      return { path: resolve(value) };
  }
}

export function readJson(text: string, option: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${option} is not JSON: ${coerceError(error).message}`);
  }
}
