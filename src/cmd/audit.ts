import { readTrail, verifyTrail } from '../state/audit-trail/verify-trail.ts';
import { type Command, type CommandArguments, type CommandContext, UsageError } from './command.ts';
import { sanitise } from './display/text.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';

export const audit: Command = {
  usage: '[--since TIME] [--json] | verify [--contains HASH]',
  summary: 'Prints the audit trail: who asked for what, and what became of it; or checks that nobody changed it.',
  description:
    'TIME is like 2026-12-31, 2026-12-31T23:59:00Z, 90m, 12h or 7d (ago). --json prints records in the format of\n' +
    'CloudTrail, one per line. verify prints the hash of the newest record: noted elsewhere, it proves later, with\n' +
    '--contains, that nothing up to it was changed or cut off.',
  positionals: { min: 0, max: 1 },
  options: {
    since: { type: 'string', value: 'TIME', help: 'only what happened from then on' },
    json: { type: 'boolean', help: 'one CloudTrail record per line' },
    contains: { type: 'string', value: 'HASH', help: 'with verify: the trail must have this hash' },
  },

  async run(args, context) {
    const [action] = args.positionals;
    if (action === 'verify') {
      if (args.text('since') !== undefined || args.flag('json')) throw new UsageError('verify takes only --contains');
      return verify(args, context);
    }
    if (action !== undefined) throw new UsageError(`unexpected argument '${action}'; kiln audit has only verify`);
    if (args.text('contains') !== undefined) throw new UsageError('--contains is for verify only');
    return print(args, context);
  },
};

async function verify(args: CommandArguments, { config, io }: CommandContext): Promise<ExitCode> {
  const wanted = args.text('contains')?.toLowerCase();
  if (wanted !== undefined && !/^[0-9a-f]{64}$/.test(wanted)) throw new UsageError('a hash has 64 hexadecimal digits');
  const { problems, records, head, tornBytes, found } = await verifyTrail(config.home.audit, wanted);
  for (const { file, line, message } of problems) io.stderr.write(`${file}:${line}: ${message}\n`);
  if (!found) io.stderr.write(`kiln: the trail does not have the hash ${wanted}\n`);
  if (tornBytes > 0) {
    io.stderr.write(
      `kiln: the last line has no end (${tornBytes} bytes): it is being written, or was when all ended\n`,
    );
  }
  if (problems.length > 0 || !found) return EXIT.failed;
  io.stdout.write(`${records} records, intact\n${head.hash}\n`);
  return EXIT.done;
}

async function print(args: CommandArguments, { config, io, signal }: CommandContext): Promise<ExitCode> {
  const since = args.text('since');
  const from = since === undefined ? undefined : readTime(since, Date.now());
  for await (const text of readTrail(config.home.audit)) {
    signal.throwIfAborted();
    const record = JSON.parse(text) as AuditRecord;
    if (from !== undefined && Date.parse(record.eventTime) < from) continue;
    io.stdout.write(args.flag('json') ? `${text}\n` : `${lineOf(record)}\n`);
  }
  return EXIT.done;
}

interface AuditRecord {
  readonly eventTime: string;
  readonly eventName: string;
  readonly errorCode?: string;
  readonly sourceIPAddress: string;
  readonly userIdentity: {
    readonly userName?: string;
    readonly type: string;
    readonly accessKeyId?: string;
  };
}

function lineOf({ eventTime, eventName, errorCode, sourceIPAddress, userIdentity }: AuditRecord): string {
  const { userName, type, accessKeyId } = userIdentity;
  const who = userName ?? (type === 'Unknown' && accessKeyId !== undefined ? `? ${accessKeyId}` : type);
  return sanitise(`${eventTime}  ${who.padEnd(16)}  ${sourceIPAddress.padEnd(15)}  ${eventName}  ${errorCode ?? 'ok'}`);
}

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds since 1970. */
function readTime(text: string, now: number): number {
  const [, count, unit = ''] = /^([0-9]{1,6})([mhd])$/.exec(text) ?? [];
  if (count !== undefined) return now - Number(count) * (UNITS[unit] ?? 0);
  const time = Date.parse(text);
  if (Number.isNaN(time))
    throw new UsageError(`'${text}' is no time: 2026-12-31, 2026-12-31T23:59:00Z, 90m, 12h or 7d`);
  return time;
}
