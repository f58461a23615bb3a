import { readFile } from 'node:fs/promises';
import { parsePolicy } from '../iam/parse-policy.ts';
import { coerceError } from '../util/faults.ts';
import { didYouMean } from '../util/problem.ts';
import { deliverRecords, recordCommand } from './audit-command.ts';
import { type Command, type CommandArguments, type CommandContext, UsageError } from './command.ts';
import { ensureCredentials } from './credentials.ts';
import { renderTable } from './display/table.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { isNamed, type PrincipalName, readPrincipalName } from './principal-name.ts';
import {
  changePrincipals,
  newKeys,
  newUserId,
  type Principal,
  type PrincipalChange,
  principalArn,
  readPrincipals,
} from './principals.ts';

const ACTIONS = ['add', 'list', 'rotate', 'rm'];

export const principal: Command = {
  usage: 'add NAME --policy FILE [--account ID] | list | rotate NAME | rm NAME',
  summary: 'Manages who may use the service beside you, and for what.',
  description:
    'A policy is an IAM policy document. add and rotate print the new keys, once, as shell commands; a running service\n' +
    'knows them with its next request, and keys that were replaced or removed are refused from then on. Each change is\n' +
    'in the audit trail.\n\n' +
    'Principals of another account have resources of their own, and see of this account what resource policies share.\n' +
    'NAME may be an ARN: arn:aws:iam::ACCOUNT:user/NAME.',
  positionals: { min: 1, max: 2 },
  options: {
    policy: { type: 'string', value: 'FILE', help: 'what the new principal may do' },
    account: { type: 'string', value: 'ID', help: 'the account of the principal, if it is another one' },
  },

  async run(args, context) {
    const [action = '', text] = args.positionals;
    if (!ACTIONS.includes(action)) {
      const near = didYouMean(action, ACTIONS);
      throw new UsageError(`kiln principal has no '${action}'${near === undefined ? '' : `; did you mean '${near}'?`}`);
    }
    if (action !== 'add' && args.text('policy') !== undefined) throw new UsageError('--policy is for add only');
    const { config } = context;
    const home = config.accountId ?? (await ensureCredentials(config.home)).accountId;
    if (action === 'list') {
      if (text !== undefined) throw new UsageError(`unexpected argument '${text}'`);
      if (args.text('account') !== undefined) throw new UsageError('--account is not for list');
      return list(context, home);
    }
    if (text === undefined) throw new UsageError(`usage: kiln principal ${action} NAME`);
    const who = readPrincipalName(text, args.text('account'), home);
    if (action === 'add') return add(who, home, args, context);
    return action === 'rotate' ? rotate(who, home, context) : remove(who, home, context);
  },
};

async function add(
  who: PrincipalName,
  home: string,
  args: CommandArguments,
  context: CommandContext,
): Promise<ExitCode> {
  const file = args.text('policy');
  if (file === undefined) throw new UsageError('a principal needs a policy: --policy FILE');
  const { name, accountId } = who;
  const policy = await readFile(file, 'utf8');
  parsePolicy(policy, file, 'identity');
  const added: Principal = {
    name,
    ...(accountId === home ? {} : { accountId }),
    userId: newUserId(),
    ...newKeys(),
    policy,
    createdAt: new Date().toISOString(),
  };
  const change = (principals: readonly Principal[]): readonly Principal[] => {
    // IAM keeps the case of a name and does not tell two names apart by it.
    const isTaken = ({ name: other, accountId: of = home }: Principal): boolean =>
      other.toLowerCase() === name.toLowerCase() && of === accountId;
    if (principals.some(isTaken)) throw new UsageError(`there is a principal '${name}' already`);
    return [...principals, added];
  };
  await changeRecorded(context, 'AddPrincipal', { who, change, policy, accessKeyId: added.accessKeyId });
  return printKeys(added, context);
}

async function rotate(who: PrincipalName, home: string, context: CommandContext): Promise<ExitCode> {
  const keys = { ...newKeys(), rotatedAt: new Date().toISOString() };
  const change = (principals: readonly Principal[]) =>
    find(who, home, principals) && principals.map((one) => (isNamed(one, who, home) ? { ...one, ...keys } : one));
  await changeRecorded(context, 'RotatePrincipalKeys', { who, change, accessKeyId: keys.accessKeyId });
  return printKeys(keys, context);
}

async function remove(who: PrincipalName, home: string, context: CommandContext): Promise<ExitCode> {
  const change = (principals: readonly Principal[]) =>
    find(who, home, principals) && principals.filter((one) => !isNamed(one, who, home));
  await changeRecorded(context, 'RemovePrincipal', { who, change });
  context.io.stderr.write(`kiln: removed ${who.name}\n`);
  return EXIT.done;
}

interface RecordedChange {
  readonly who: PrincipalName;
  readonly change: PrincipalChange;
  readonly policy?: string;
  readonly accessKeyId?: string;
}

/** The record is on disk before the change: nobody has keys that the trail knows nothing of. */
async function changeRecorded(
  context: CommandContext,
  eventName: 'AddPrincipal' | 'RotatePrincipalKeys' | 'RemovePrincipal',
  { who, change, policy, accessKeyId }: RecordedChange,
): Promise<void> {
  const requestParameters = { ...who, ...(policy === undefined ? {} : { policy }) };
  const responseElements = accessKeyId === undefined ? {} : { responseElements: { accessKeyId } };
  const { home } = context.config;
  try {
    await changePrincipals(home, change, context.signal, () =>
      recordCommand(context, { eventName, requestParameters, ...responseElements }),
    );
  } catch (thrown) {
    await recordCommand(context, { eventName, requestParameters, error: coerceError(thrown) });
    throw thrown;
  } finally {
    await deliverRecords(context);
  }
}

async function list({ config, io }: CommandContext, home: string): Promise<ExitCode> {
  const rows = readPrincipals(config.home).map(({ name, accessKeyId, accountId = home, createdAt, rotatedAt }) => [
    name,
    accessKeyId,
    createdAt.slice(0, 16).replace('T', ' '),
    (rotatedAt ?? '').slice(0, 16).replace('T', ' '),
    principalArn(accountId, name),
  ]);
  io.stdout.write(renderTable(['NAME', 'ACCESS KEY', 'CREATED', 'ROTATED', 'ARN'], rows));
  return EXIT.done;
}

/** Throws a UsageError when nobody has the name. */
function find(who: PrincipalName, home: string, principals: readonly Principal[]): Principal {
  const found = principals.find((one) => isNamed(one, who, home));
  if (found !== undefined) return found;
  const near = didYouMean(
    who.name,
    principals.filter(({ accountId = home }) => accountId === who.accountId).map((one) => one.name),
  );
  const where = who.accountId === home ? '' : ` in the account ${who.accountId}`;
  throw new UsageError(
    `there is no principal '${who.name}'${where}${near === undefined ? '' : `; did you mean '${near}'?`}`,
  );
}

function printKeys(keys: Pick<Principal, 'accessKeyId' | 'secretAccessKey'>, { io }: CommandContext): ExitCode {
  // Neither has a quote in it.
  io.stdout.write(`export AWS_ACCESS_KEY_ID='${keys.accessKeyId}'\n`);
  io.stdout.write(`export AWS_SECRET_ACCESS_KEY='${keys.secretAccessKey}'\n`);
  io.stderr.write('kiln: the secret is shown this once\n');
  return EXIT.done;
}
