import { readComponentRecords } from '../engine/checkpoints/component-record.ts';
import type { CachedCheckpoint } from '../image-store/checkpoint-store.ts';
import { type Command, type CommandArguments, type Io, UsageError } from './command.ts';
import { renderTable } from './display/table.ts';
import { formatBytes } from './display/text.ts';
import { EXIT } from './exit-codes.ts';
import { openCheckpoints } from './open-checkpoints.ts';

export const cache: Command = {
  usage: 'ls|gc|stats [--json] [--to SIZE_GIB]',
  summary: 'Lists what builds left for later builds, removes what is too much, or says how much there is.',
  description:
    'The least recently used goes first; what a build works on or an image needs is never removed.\n' +
    'gc brings the cache to its configured size (KILN_CACHE_SIZE_GIB), or to what --to says; --to 0 empties it.',
  positionals: { min: 1, max: 1 },
  options: {
    json: { type: 'boolean', help: 'as JSON' },
    to: { type: 'string', value: 'SIZE_GIB', help: 'of gc: how much may stay' },
  },

  async run(args, { config, io }) {
    const [what = ''] = args.positionals;
    const checkpoints = await openCheckpoints(config);
    const json = args.flag('json');
    switch (what) {
      case 'ls':
        printList(await checkpoints.list(), json, io);
        return EXIT.done;
      case 'stats': {
        const stats = await checkpoints.stats();
        if (json) io.stdout.write(`${JSON.stringify(stats)}\n`);
        else {
          const { checkpoints: count, bytes, limitBytes, freeBytes, paused } = stats;
          const lines = [
            `checkpoints  ${count}`,
            `size         ${formatBytes(bytes)} of at most ${formatBytes(limitBytes)}; what images need counts for them`,
            `free         ${formatBytes(freeBytes)}`,
            ...(paused === undefined ? [] : [`paused       ${paused}`]),
          ];
          io.stdout.write(`${lines.join('\n')}\n`);
        }
        return EXIT.done;
      }
      case 'gc': {
        const removed = await checkpoints.collect(readSize(args));
        if (json) io.stdout.write(`${JSON.stringify(removed)}\n`);
        else io.stdout.write(`removed ${removed.checkpoints} checkpoints, ${formatBytes(removed.bytes)}\n`);
        return EXIT.done;
      }
      default:
        throw new UsageError(`kiln cache takes ls, gc or stats, not '${what}'`);
    }
  },
};

function readSize(args: CommandArguments): number | undefined {
  const text = args.text('to');
  if (text === undefined) return undefined;
  if (!/^[0-9]{1,7}(?:\.[0-9]{1,3})?$/.test(text)) throw new UsageError(`--to takes a size in GiB, not '${text}'`);
  return Number(text) * 2 ** 30;
}

function printList(list: readonly CachedCheckpoint[], json: boolean, io: Io): void {
  if (json) {
    for (const checkpoint of list) io.stdout.write(`${JSON.stringify(checkpoint)}\n`);
    return;
  }
  const rows = list.map(({ key, bytes, lastUsedAt, inUse, parentAmiId, facts }) => {
    const records = readComponentRecords(facts) ?? [];
    const seconds = records.reduce((sum, record) => sum + record.seconds, 0);
    return [
      key.slice(0, 12),
      formatBytes(bytes),
      `${lastUsedAt.slice(0, 16).replace('T', ' ')}${inUse ? ' (in use)' : ''}`,
      `${seconds.toFixed(1)} s`,
      parentAmiId,
      records.length === 0 ? 'the boot' : records.map(({ name }) => name).join(' > '),
    ];
  });
  io.stdout.write(renderTable(['KEY', 'SIZE', 'LAST USED', 'SAVES', 'ON', 'AFTER'], rows));
}
