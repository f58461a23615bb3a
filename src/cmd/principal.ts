import { readFile } from 'node:fs/promises';
import { parsePolicy } from '../iam/parse-policy.ts';
import { didYouMean } from '../util/problem.ts';
import { type Command, type CommandArguments, type CommandContext, UsageError } from './command.ts';
import { ensureCredentials } from './credentials.ts';
import { renderTable } from './display/table.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import {
  changePrincipals,
  newKeys,
  newUserId,
  PRINCIPAL_NAME,
  type Principal,
  principalArn,
  readPrincipals,
} from './principals.ts';

const ACTIONS = ['add', 'list', 'rotate', 'rm'];

export const principal: Command = {
  usage: 'add NAME --policy FILE | list | rotate NAME | rm NAME',
  summary: 'Manages who may use the service beside you, and for what.',
  description:
    'A policy is an IAM policy document. add and rotate print the new keys, once, as shell commands; a running service\n' +
    'knows them with its next request, and keys that were replaced or removed are refused from then on.',
  positionals: { min: 1, max: 2 },
  options: { policy: { type: 'string', value: 'FILE', help: 'what the new principal may do' } },

  async run(args, context) {
    const [action = '', name] = args.positionals;
    if (!ACTIONS.includes(action)) {
      const near = didYouMean(action, ACTIONS);
      throw new UsageError(`kiln principal has no '${action}'${near === undefined ? '' : `; did you mean '${near}'?`}`);
    }
    if (action !== 'add' && args.text('policy') !== undefined) throw new UsageError('--policy is for add only');
    if (action === 'list') {
      if (name !== undefined) throw new UsageError(`unexpected argument '${name}'`);
      return list(context);
    }
    if (name === undefined) throw new UsageError(`usage: kiln principal ${action} NAME`);
    if (action === 'add') return add(name, args, context);
    return action === 'rotate' ? rotate(name, context) : remove(name, context);
  },
};

async function add(name: string, args: CommandArguments, context: CommandContext): Promise<ExitCode> {
  const file = args.text('policy');
  if (file === undefined) throw new UsageError('a principal needs a policy: --policy FILE');
  if (!PRINCIPAL_NAME.test(name)) {
    throw new UsageError(`'${name}' cannot be a name: 1 to 64 letters, digits and any of + = , . @ _ -`);
  }
  const policy = await readFile(file, 'utf8');
  parsePolicy(policy, file, 'identity');
  const added: Principal = {
    name,
    userId: newUserId(),
    ...newKeys(),
    policy,
    createdAt: new Date().toISOString(),
  };
  const change = (principals: readonly Principal[]): readonly Principal[] => {
    // IAM keeps the case of a name and does not tell two names apart by it.
    if (principals.some((other) => other.name.toLowerCase() === name.toLowerCase())) {
      throw new UsageError(`there is a principal '${name}' already`);
    }
    return [...principals, added];
  };
  await changePrincipals(context.config.home, change, context.signal);
  return printKeys(added, context);
}

async function rotate(name: string, context: CommandContext): Promise<ExitCode> {
  const keys = { ...newKeys(), rotatedAt: new Date().toISOString() };
  const change = (principals: readonly Principal[]) =>
    find(name, principals) && principals.map((one) => (one.name === name ? { ...one, ...keys } : one));
  await changePrincipals(context.config.home, change, context.signal);
  return printKeys(keys, context);
}

async function remove(name: string, context: CommandContext): Promise<ExitCode> {
  const change = (principals: readonly Principal[]) =>
    find(name, principals) && principals.filter((one) => one.name !== name);
  await changePrincipals(context.config.home, change, context.signal);
  context.io.stderr.write(`kiln: removed ${name}\n`);
  return EXIT.done;
}

async function list({ config, io }: CommandContext): Promise<ExitCode> {
  const { accountId } = await ensureCredentials(config.home);
  const rows = readPrincipals(config.home).map(({ name, accessKeyId, createdAt, rotatedAt }) => [
    name,
    accessKeyId,
    createdAt.slice(0, 16).replace('T', ' '),
    (rotatedAt ?? '').slice(0, 16).replace('T', ' '),
    principalArn(config.accountId ?? accountId, name),
  ]);
  io.stdout.write(renderTable(['NAME', 'ACCESS KEY', 'CREATED', 'ROTATED', 'ARN'], rows));
  return EXIT.done;
}

/** Throws a UsageError when nobody has the name. */
function find(name: string, principals: readonly Principal[]): Principal {
  const found = principals.find((one) => one.name === name);
  if (found !== undefined) return found;
  const near = didYouMean(
    name,
    principals.map((one) => one.name),
  );
  throw new UsageError(`there is no principal '${name}'${near === undefined ? '' : `; did you mean '${near}'?`}`);
}

function printKeys(keys: Pick<Principal, 'accessKeyId' | 'secretAccessKey'>, { io }: CommandContext): ExitCode {
  // Neither has a quote in it.
  io.stdout.write(`export AWS_ACCESS_KEY_ID='${keys.accessKeyId}'\n`);
  io.stdout.write(`export AWS_SECRET_ACCESS_KEY='${keys.secretAccessKey}'\n`);
  io.stderr.write('kiln: the secret is shown this once\n');
  return EXIT.done;
}
