import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { DocumentOs } from '../documents/action-modules/module.ts';
import type { ComponentDocument } from '../documents/component.ts';
import { parseComponent, STANDARD_PHASES } from '../documents/parse-component.ts';
import { runDocuments } from '../toe/run-documents.ts';
import type { DocumentRunResult, RunnableDocument } from '../toe/run-documents.types.ts';
import { localTarget } from '../toe/targets/local.ts';
import { coerceError } from '../util/faults.ts';
import { InvalidDocumentError, type Problem } from '../util/problem.ts';
import { type Command, type CommandArguments, type CommandContext, type Io, UsageError } from './command.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { commandHelp } from './help.ts';
import { parseArguments } from './parse-arguments.ts';
import { consoleMonitor, severalMonitors } from './toe-display.ts';
import { openLogFolder } from './toe-log-folder.ts';

/** `kiln toe`: runs and checks component documents on this machine, with the flags of `awstoe`. */
export async function runToe(argv: readonly string[], context: CommandContext): Promise<ExitCode> {
  const [name = '--help', ...rest] = argv;
  const command = Object.hasOwn(TOE_COMMANDS, name) ? TOE_COMMANDS[name] : undefined;
  if (command === undefined) {
    if (name !== '--help' && name !== '-h')
      throw new UsageError(`there is no command 'toe ${name}'; there are run and validate`);
    context.io.stdout.write(
      Object.entries(TOE_COMMANDS)
        .map(([each, known]) => commandHelp(`toe ${each}`, known))
        .join('\n'),
    );
    return EXIT.done;
  }
  const args = parseArguments(`toe ${name}`, command, rest);
  if (!args.flag('help')) return command.run(args, context);
  context.io.stdout.write(commandHelp(`toe ${name}`, command));
  return EXIT.done;
}

const documentsOption = {
  documents: { type: 'string', short: 'd', multiple: true, value: 'F[,F]', help: 'component documents (required)' },
} as const;

const run: Command = {
  usage: '--documents F[,F] [options]',
  summary: 'Runs component documents on this machine.',
  description:
    'Steps run here, as the current user: what they change stays changed. The last thing on standard output is the summary as JSON.',
  positionals: { min: 0, max: 0 },
  options: {
    ...documentsOption,
    phases: { type: 'string', short: 'p', value: 'P[,P]', help: 'phases to run (default all)' },
    parameters: { type: 'string', multiple: true, value: 'N=V[,N=V]', help: 'values for parameters of the documents' },
    'execution-id': { type: 'string', short: 'i', value: 'ID', help: 'id of this run (default a random one)' },
    'log-directory': { type: 'string', short: 'l', value: 'FOLDER', help: 'makes a folder TOE_… with logs there' },
  },
  run: async (args, context) => {
    const { config, io, signal } = context;
    const parameters = readParameters(args);
    const documents = (await readDocuments(args, io, 'linux')).map(
      ({ id, document }): RunnableDocument => ({ id, document, parameters }),
    );
    checkParameters(documents, parameters, io);
    const phases = readPhases(args, documents, io);
    const executionId = args.text('execution-id') ?? randomUUID();
    const logDirectory = args.text('log-directory');
    await using logs =
      logDirectory === undefined
        ? undefined
        : await openLogFolder(resolve(logDirectory), executionId, documents, new Date());
    const display = consoleMonitor(io);
    const result = await runDocuments({
      executionId,
      documents,
      phases,
      target: localTarget({ environment: config.environment, cwd: process.cwd() }),
      environment: config.environment,
      workingDirectory: process.cwd(),
      accountId: config.accountId ?? '',
      region: config.region ?? '',
      signal,
      monitor: logs === undefined ? display : severalMonitors([display, logs.monitor]),
    });
    await logs?.finish(result);
    reportFailure(result, io);
    io.stdout.write(`${JSON.stringify(summaryOf(result, logs?.path ?? ''), undefined, 4)}\n`);
    return result.status === 'success' ? EXIT.done : EXIT.failed;
  },
};

const PLATFORMS: Readonly<Record<string, DocumentOs>> = { linux: 'linux', darwin: 'macos', windows: 'windows' };

const validate: Command = {
  usage: '--documents F[,F] [options]',
  summary: 'Checks component documents and runs nothing.',
  positionals: { min: 0, max: 0 },
  options: {
    ...documentsOption,
    'os-platforms': { type: 'string', value: 'OS[,OS]', help: 'linux, darwin, windows (default linux)' },
  },
  run: async (args, { io }) => {
    for (const platform of splitList(args.text('os-platforms') ?? 'linux')) {
      const os = Object.hasOwn(PLATFORMS, platform) ? PLATFORMS[platform] : undefined;
      if (os === undefined)
        throw new UsageError(`--os-platforms cannot be ${platform}: linux, darwin and windows are known`);
      const documents = await readDocuments(args, io, os);
      for (const { id } of documents) io.stderr.write(`${id}: valid for ${platform}\n`);
    }
    return EXIT.done;
  },
};

const TOE_COMMANDS: Readonly<Record<string, Command>> = { run, validate };

interface ReadDocument {
  readonly id: string;
  readonly document: ComponentDocument;
}

/** Documents on this machine's disk are bounded only against mistakes; the service's limit is 64 KiB. */
const MAX_BYTES = 4 * 1024 * 1024;

/** Reads every document before anything runs; throws all problems of all of them at once. */
async function readDocuments(args: CommandArguments, io: Io, os: DocumentOs): Promise<readonly ReadDocument[]> {
  const files = args.texts('documents').flatMap(splitList);
  if (files.length === 0) throw new UsageError('--documents is missing: name at least one component document');
  const problems: Problem[] = [];
  const documents: ReadDocument[] = [];
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      throw new UsageError(`cannot read the document ${file}: ${coerceError(error).message}`);
    });
    try {
      const document = parseComponent(text, file, { os, standardPhase: false, maxBytes: MAX_BYTES });
      documents.push({ id: file, document });
      if (!document.phases.some(({ name }) => STANDARD_PHASES.some((standard) => standard === name))) {
        io.stderr.write(
          `kiln: ${file}: Image Builder runs none of its phases; it wants one of ${STANDARD_PHASES.join(', ')}\n`,
        );
      }
    } catch (error) {
      if (!(error instanceof InvalidDocumentError)) throw error;
      problems.push(...error.problems);
    }
  }
  if (problems.length > 0) throw new InvalidDocumentError(problems);
  return documents;
}

function readParameters(args: CommandArguments): Readonly<Record<string, string>> {
  const pairs = args
    .texts('parameters')
    .flatMap(splitList)
    .map((pair): [string, string] => {
      const cut = pair.indexOf('=');
      if (cut < 1 || cut === pair.length - 1)
        throw new UsageError(`--parameters has '${pair}', where NAME=VALUE is expected`);
      return [pair.slice(0, cut), pair.slice(cut + 1)];
    });
  return Object.fromEntries(pairs);
}

/** What no document declares is ignored, as AWSTOE does, but not in silence. What has no value is refused. */
function checkParameters(
  documents: readonly RunnableDocument[],
  given: Readonly<Record<string, string>>,
  io: Io,
): void {
  const declared = documents.flatMap(({ document }) => document.parameters.map(({ name }) => name));
  for (const name of Object.keys(given)) {
    if (!declared.includes(name))
      io.stderr.write(`kiln: no document declares the parameter '${name}'; it is ignored\n`);
  }
  const missing = documents.flatMap(({ id, document }) =>
    document.parameters
      .filter((parameter) => parameter.default === undefined && !Object.hasOwn(given, parameter.name))
      .map(({ name }) => `the parameter '${name}' of ${id} has no value: give --parameters ${name}=VALUE`),
  );
  if (missing.length > 0) throw new UsageError(missing.join('\n'));
}

function readPhases(
  args: CommandArguments,
  documents: readonly RunnableDocument[],
  io: Io,
): readonly string[] | undefined {
  const text = args.text('phases');
  if (text === undefined) return undefined;
  const known = documents.flatMap(({ document }) => document.phases.map(({ name }) => name));
  for (const phase of splitList(text)) {
    if (!known.includes(phase)) io.stderr.write(`kiln: no document has a phase '${phase}'\n`);
  }
  return splitList(text);
}

function reportFailure({ firstFailure }: DocumentRunResult, io: Io): void {
  if (firstFailure === undefined) return;
  const { documentId, phase, step, action, errorMessage, lastLines } = firstFailure;
  const lines = [`kiln: ${documentId}: step ${step} (${action}) of phase ${phase} failed: ${errorMessage}`];
  io.stderr.write(`${[...lines, ...lastLines.map((line) => `      ${line}`)].join('\n')}\n`);
}

/** The seven keys that wrappers of AWSTOE read, in their order. */
function summaryOf(result: DocumentRunResult, logUrl: string): object {
  return {
    executionId: result.executionId,
    status: result.status,
    failedStepCount: result.failedStepCount,
    executedStepCount: result.executedStepCount,
    ignoredFailedStepCount: result.ignoredFailedStepCount,
    failureMessage: result.failureMessage,
    logUrl,
  };
}

function splitList(text: string): readonly string[] {
  return text.split(',').filter((item) => item !== '');
}
