import type { DocumentOs } from '../../documents/action-modules/module.ts';
import type { Problem } from '../../util/problem.ts';
import { type Command, UsageError } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { checkDocuments, loadDocuments } from './documents.ts';
import { fetcher } from './fetch-document.ts';
import { outputFormat, reportProblems } from './report-problems.ts';
import { DOCUMENT_OPTIONS, OUTPUT_OPTION } from './run-options.ts';
import { servicesOf } from './services.ts';
import { splitList } from './settings.ts';

/** Go's names, as AWSTOE takes them. */
const PLATFORMS: Readonly<Record<string, DocumentOs>> = { linux: 'linux', darwin: 'macos', windows: 'windows' };

export const validate: Command = {
  usage: '--documents F[,F] [options]',
  summary: 'Checks component documents and runs nothing.',
  positionals: { min: 0, max: 0 },
  options: {
    ...DOCUMENT_OPTIONS,
    ...OUTPUT_OPTION,
    'os-platforms': { type: 'string', value: 'OS[,OS]', help: 'linux, darwin, windows (default linux)' },
    trace: { type: 'boolean', short: 't', help: 'says what is being checked' },
    version: { type: 'boolean', short: 'v', help: 'print the version' },
  },
  run: async (args, context) => {
    const { io, signal } = context;
    const format = outputFormat(args);
    const platforms = splitList(args.text('os-platforms') ?? 'linux').map((platform) => {
      const os = Object.hasOwn(PLATFORMS, platform) ? PLATFORMS[platform] : undefined;
      if (os === undefined)
        throw new UsageError(`--os-platforms cannot be ${platform}: linux, darwin and windows are known`);
      return { platform, os };
    });
    const ids = args.texts('documents').flatMap(splitList);
    if (ids.length === 0) throw new UsageError('--documents is missing: name at least one component document');
    const sources = await loadDocuments(
      ids,
      fetcher(servicesOf(context), args.text('document-s3-bucket-owner')),
      signal,
    );
    const problems: Problem[] = [];
    const warnings: Problem[] = [];
    const valid: string[] = [];
    for (const { platform, os } of platforms) {
      if (args.flag('trace')) for (const id of ids) io.stderr.write(`checking ${id} for ${platform}\n`);
      const checked = checkDocuments(sources, os);
      problems.push(...checked.problems.filter(isNew(problems)));
      warnings.push(...checked.warnings.filter(isNew(warnings)));
      for (const [index, document] of checked.documents.entries())
        if (document !== undefined) valid.push(`${ids[index]}: valid for ${platform}\n`);
    }
    await reportProblems({ problems, warnings }, format, io);
    if (format === 'human') io.stderr.write(valid.join(''));
    if (format === 'json' && problems.length === 0)
      io.stdout.write(`${JSON.stringify({ valid: true, problems: [] })}\n`);
    return problems.length === 0 ? EXIT.done : EXIT.badInput;
  },
};

/** Most problems are the same for every system. */
function isNew(known: readonly Problem[]): (problem: Problem) => boolean {
  const keys = new Set(known.map((problem) => JSON.stringify(problem)));
  return (problem) => !keys.has(JSON.stringify(problem));
}
