import { CACHE_TAG, parseCacheHint } from '../engine/checkpoints/cache-hint.ts';
import { EXECUTOR_TAG, EXECUTORS } from '../engine/executor-tag.ts';
import { type CommandArguments, type CommandOption, UsageError } from './command.ts';

/** Options that say how an image is built; they become tags of the image. */
export const BUILD_TAG_OPTIONS: Readonly<Record<string, CommandOption>> = {
  executor: {
    type: 'string',
    value: 'HOW',
    help: `how components are run: ${EXECUTORS.join(', ')}; else as the infrastructure configuration says`,
  },
  'no-cache': { type: 'boolean', help: 'reuse nothing of earlier builds' },
  'cache-ttl': { type: 'string', value: 'TIME', help: 'reuse what is at most so old, e.g. 90m, 24h, 7d, forever' },
  resume: { type: 'boolean', help: 'go on from the last state that is known, however old it is' },
};

/** @throws UsageError for words that are none, and for wishes that contradict each other. */
export function readBuildTags(args: CommandArguments): Readonly<Record<string, string>> {
  const executor = args.text('executor');
  if (executor !== undefined && !EXECUTORS.some((known) => known === executor)) {
    throw new UsageError(`--executor takes ${EXECUTORS.join(', ')}, not '${executor}'`);
  }
  const cache = readCacheHint(args);
  return {
    ...(executor === undefined ? {} : { [EXECUTOR_TAG]: executor }),
    ...(cache === undefined ? {} : { [CACHE_TAG]: cache }),
  };
}

function readCacheHint(args: CommandArguments): string | undefined {
  const ttl = args.text('cache-ttl');
  const wishes = [args.flag('no-cache'), ttl !== undefined, args.flag('resume')].filter(Boolean);
  if (wishes.length > 1) throw new UsageError('--no-cache, --cache-ttl and --resume exclude each other');
  if (args.flag('no-cache')) return 'never';
  if (args.flag('resume')) return 'forever';
  if (ttl === undefined || parseCacheHint(ttl) !== undefined) return ttl;
  throw new UsageError(`--cache-ttl takes a time such as 90m, 24h or 7d, or forever, not '${ttl}'`);
}
