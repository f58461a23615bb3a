import { didYouMean } from '../util/problem.ts';
import { type Command, type CommandArguments, UsageError } from './command.ts';
import { connect } from './connect.ts';
import { renderTable } from './display/table.ts';
import { EXIT } from './exit-codes.ts';
import { callKiln } from './kiln-calls.ts';
import { readJson } from './rule.ts';

const ACTIONS = ['add', 'list', 'rm', 'subscribe', 'unsubscribe', 'publish'];

export const topic: Command = {
  usage: 'add NAME | subscribe TOPIC ENDPOINT | unsubscribe ARN | publish TOPIC MESSAGE | list [--json] | rm TOPIC',
  summary: 'Manages SNS topics: who is told when an image is there, or a workflow waits.',
  description: `TOPIC is a name or an ARN. Webhooks get SNS's envelope with a signature (version 2), whose certificate this service
serves; addresses need smtp in config.yaml. Subscriptions need no confirmation.`,
  positionals: { min: 1, max: 3 },
  options: {
    https: { type: 'string', value: 'URL', help: 'subscribe a webhook' },
    email: { type: 'string', value: 'ADDRESS', help: 'subscribe an address' },
    command: { type: 'string', value: 'JSON', help: 'subscribe a program: \'["/usr/bin/notify"]\'' },
    subject: { type: 'string', value: 'TEXT', help: 'of the message (publish)' },
    account: { type: 'string', value: 'ID', help: 'account that the topic is of (add)' },
    json: { type: 'boolean', help: 'one JSON object per line (list)' },
  },

  async run(args, { config, io, signal }) {
    const [action = '', name, message, ...more] = args.positionals;
    if (!ACTIONS.includes(action)) {
      const near = didYouMean(action, ACTIONS);
      throw new UsageError(`kiln topic has no '${action}'${near === undefined ? '' : `; did you mean '${near}'?`}`);
    }
    const isWrong = (action === 'list') !== (name === undefined) || (action === 'publish') !== (message !== undefined);
    if (isWrong || more.length > 0) throw new UsageError(`usage: kiln topic ${this.usage}`);
    const endpoint = action === 'subscribe' ? readEndpoint(args) : undefined;
    await using connection = await connect(config, signal, { builds: false });
    const { address, accountId } = connection;
    const call = (operation: string, input: Readonly<Record<string, unknown>>) =>
      callKiln(address, operation, input, signal);
    const topicArn = name?.startsWith('arn:') ? name : `arn:aws:sns:${address.region}:${accountId}:${name}`;
    switch (action) {
      case 'add': {
        const made = await call('CreateTopic', { name, account: args.text('account') });
        io.stdout.write(`${made['topicArn']}\n`);
        break;
      }
      case 'subscribe': {
        const made = await call('Subscribe', { topicArn, endpoint });
        io.stdout.write(`${made['subscriptionArn']}\n`);
        break;
      }
      case 'unsubscribe':
        await call('Unsubscribe', { subscriptionArn: name });
        break;
      case 'publish':
        await call('PublishMessage', { topicArn, message, subject: args.text('subject') });
        break;
      case 'rm':
        await call('DeleteTopic', { topicArn });
        break;
      default: {
        const { topics } = await call('ListTopics', {});
        const found = (Array.isArray(topics) ? topics : []) as readonly ListedTopic[];
        if (args.flag('json')) for (const one of found) io.stdout.write(`${JSON.stringify(one)}\n`);
        else io.stdout.write(renderTable(['TOPIC', 'ENDPOINT', 'SUBSCRIPTION'], found.flatMap(rowsOf)));
      }
    }
    return EXIT.done;
  },
};

interface ListedTopic {
  readonly arn: string;
  readonly subscriptions: readonly { readonly arn: string; readonly endpoint: Readonly<Record<string, unknown>> }[];
}

function rowsOf({ arn, subscriptions }: ListedTopic): string[][] {
  if (subscriptions.length === 0) return [[arn, '', '']];
  return subscriptions.map((one) => {
    const { protocol, ...rest } = one.endpoint;
    return [arn, [protocol, ...Object.values(rest).flat()].join(' '), one.arn];
  });
}

function readEndpoint(args: CommandArguments): object {
  const [url, address, command] = [args.text('https'), args.text('email'), args.text('command')];
  const given = [
    ...(url === undefined ? [] : [{ protocol: 'https', url }]),
    ...(address === undefined ? [] : [{ protocol: 'email', address }]),
    ...(command === undefined ? [] : [{ protocol: 'command', command: readJson(command, '--command') }]),
  ];
  const [endpoint, ...more] = given;
  if (endpoint === undefined || more.length > 0)
    throw new UsageError('subscribe needs one of --https, --email, --command');
  return endpoint;
}
