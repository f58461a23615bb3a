import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { runDocuments } from '../../toe/run-documents.ts';
import type { DocumentRunResult, RunnableDocument } from '../../toe/run-documents.types.ts';
import { RunSuspendedError } from '../../toe/suspended-run.ts';
import { type Command, type CommandArguments, type CommandContext, type Io, UsageError } from '../command.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { blockedSteps, checkModuleNames } from './blocked-modules.ts';
import { consoleLog } from './console-log.ts';
import { monitorFor, severalMonitors } from './display.ts';
import { checkDocuments, loadDocuments } from './documents.ts';
import { fetcher } from './fetch-document.ts';
import { openLogFolder } from './log-folder.ts';
import { outputFormat, reportProblems } from './report-problems.ts';
import { OUTPUT_OPTION, RUN_OPTIONS } from './run-options.ts';
import { openRunState } from './run-state.ts';
import { openRunTarget } from './run-target.ts';
import { servicesOf } from './services.ts';
import { type RunSettings, readSettings } from './settings.ts';
import { uploadLogs } from './upload-logs.ts';

export const run: Command = {
  usage: '--documents F[,F] [options]',
  summary: 'Runs component documents on this machine, or in a sandbox.',
  description: [
    'Steps run here, as the current user: what they change stays changed, unless --sandbox gives them a root folder of their own.',
    'The last thing on standard output is the summary as JSON. Where a step needs a reboot, the run is saved and ends with 194:',
    'reboot, then give the same command again, and it goes on.',
  ].join('\n'),
  positionals: { min: 0, max: 0 },
  options: { ...RUN_OPTIONS, ...OUTPUT_OPTION },
  run: runCommand,
};

async function runCommand(args: CommandArguments, context: CommandContext): Promise<ExitCode> {
  const { io, signal } = context;
  const format = outputFormat(args);
  const services = servicesOf(context);
  const settings = await readSettings(args, (uri) => fetcher(services, undefined)(uri, signal));
  checkModuleNames(settings.blockedModules);
  const ids = settings.documents.map(({ id }) => id);
  const sources = await loadDocuments(ids, fetcher(services, settings.documentsBucketOwner), signal);
  const checked = checkDocuments(sources, 'linux');
  const blocked = blockedSteps(sources, checked.documents, settings.blockedModules);
  await reportProblems({ problems: [...checked.problems, ...blocked], warnings: checked.warnings }, format, io);
  if (checked.problems.length + blocked.length > 0) return EXIT.badInput;
  const documents = checked.documents.flatMap((document, index): RunnableDocument[] => {
    const request = settings.documents[index];
    if (document === undefined || request === undefined) return [];
    return [{ id: request.id, document, parameters: { ...settings.parameters, ...request.parameters } }];
  });
  checkParameters(documents, io);
  checkPhases(settings, documents, io);

  // A sandbox is rebooted in its place and does not outlive its run: there is nothing to save.
  const state = args.flag('sandbox')
    ? undefined
    : await openRunState({
        folder: settings.stateDirectory,
        home: context.config.home.path,
        run: { texts: sources.map(({ text }) => text), phases: settings.phases, documents },
        executionId: settings.executionId,
        fresh: args.flag('fresh'),
      });
  const resumed = state?.saved;
  if (resumed !== undefined) io.stderr.write(`kiln: resuming the run ${resumed.executionId} after the reboot\n`);
  const executionId = resumed?.executionId ?? settings.executionId ?? randomUUID();
  await using target = await openRunTarget(args, context);
  // A sandbox is for trying; its runs leave a log only when asked for one.
  const logDirectory = settings.logDirectory ?? (target.isSandbox ? undefined : '.');
  await using logs =
    logDirectory === undefined
      ? undefined
      : await openLogFolder({
          parent: resolve(logDirectory),
          resumed: resumed?.logFolder,
          executionId,
          sources,
          documents,
          warnings: checked.warnings,
          now: new Date(),
          ...(settings.trace ? { trace: (line: string) => void io.stderr.write(`${line}\n`) } : {}),
        });
  await using stream =
    settings.cloudWatch === undefined
      ? undefined
      : await (await import('./stream-console.ts')).streamConsole(settings.cloudWatch, executionId, context);
  const sinks = [logs?.console, stream?.write].filter((sink) => sink !== undefined);
  const console = consoleLog(documents, sinks);
  const monitors = [monitorFor(format, io), console.monitor, ...(logs === undefined ? [] : [logs.monitor])];
  let result: DocumentRunResult;
  try {
    result = await runDocuments({
      executionId,
      documents,
      phases: settings.phases,
      target: target.target,
      environment: target.environment,
      workingDirectory: target.workingDirectory,
      accountId: context.config.accountId ?? '',
      region: regionOf(context),
      services,
      blockedActions: settings.blockedModules,
      signal,
      monitor: severalMonitors(monitors),
      ...(resumed === undefined ? {} : { resume: resumed.progress }),
    });
  } catch (error) {
    if (!(error instanceof RunSuspendedError) || state === undefined) throw error;
    const file = await state.save({ executionId, logFolder: logs?.path, progress: error.state });
    await stream?.finish();
    io.stderr.write(`kiln: this machine has to be rebooted; then give the same command again (saved in ${file})\n`);
    return EXIT.reboot;
  }
  console.finish(result);
  await logs?.finish(result);
  await state?.clear();
  reportFailure(result, io);
  await stream?.finish();
  const logUrl =
    settings.logBucket === undefined || logs === undefined
      ? (logs?.path ?? '')
      : await uploadLogs(logs.path, settings.logBucket, services, signal);
  io.stdout.write(`${JSON.stringify(summaryOf(result, logUrl), undefined, 4)}\n`);
  return result.status === 'success' ? EXIT.done : EXIT.failed;
}

/** As AWS's tools have it, where Kiln was not told. */
function regionOf({ config }: CommandContext): string {
  const { AWS_REGION, AWS_DEFAULT_REGION } = config.environment;
  return config.region ?? (AWS_REGION || AWS_DEFAULT_REGION || '');
}

/** What no document declares is ignored, as AWSTOE does, but not in silence. What has no value is refused. */
function checkParameters(documents: readonly RunnableDocument[], io: Io): void {
  const declared = documents.flatMap(({ document }) => document.parameters.map(({ name }) => name));
  const given = new Set(documents.flatMap(({ parameters }) => Object.keys(parameters)));
  for (const name of given) {
    if (!declared.includes(name))
      io.stderr.write(`kiln: no document declares the parameter '${name}'; it is ignored\n`);
  }
  const missing = documents.flatMap(({ id, document, parameters }) =>
    document.parameters
      .filter((parameter) => parameter.default === undefined && !Object.hasOwn(parameters, parameter.name))
      .map(({ name }) => `the parameter '${name}' of ${id} has no value: give --parameters ${name}=VALUE`),
  );
  if (missing.length > 0) throw new UsageError(missing.join('\n'));
}

/** AWSTOE runs nothing and reports success when no phase matches; so does Kiln, but it says so. */
function checkPhases({ phases = [] }: RunSettings, documents: readonly RunnableDocument[], io: Io): void {
  const known = documents.flatMap(({ document }) => document.phases.map(({ name }) => name));
  for (const phase of phases) {
    if (!known.includes(phase)) io.stderr.write(`kiln: no document has a phase '${phase}'\n`);
  }
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
