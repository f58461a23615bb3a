import { access, constants, readFile, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import type { Executor } from '../build-host/build-host.ts';
import { OFFERED_EXECUTORS } from '../engine/executor-tag.ts';
import type { ExportFormat } from '../image-store/image-store.ts';
import type { TemplatePlan } from '../template/plan-template.ts';
import { coerceError } from '../util/faults.ts';
import { type BuildMachine, buildImage } from './build-image.ts';
import { type BuildChoice, chooseBuild } from './choose-build.ts';
import { type Command, type CommandArguments, type Io, UsageError } from './command.ts';
import type { Config } from './config.ts';
import { connect } from './connect.ts';
import { ensureCredentials } from './credentials.ts';
import type { BuildOutcome } from './display/build-outcome.ts';
import type { BuildReport } from './display/build-report.ts';
import { createJsonReport } from './display/json-report.ts';
import { createLiveReport } from './display/live-report.ts';
import { createPlainReport } from './display/plain-report.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { EXPORT_FORMATS, exportFormat } from './export-formats.ts';
import { findKeptInstances } from './kept-instances.ts';
import { openDisks } from './open-disks.ts';
import { systemMessage } from './system-message.ts';

export const build: Command = {
  usage: 'TEMPLATE [--image LOGICAL_ID] [-p KEY=VALUE] [-o FILE] [--format FORMAT] [--executor HOW] [--json]',
  summary: 'Applies a CloudFormation template and builds its image.',
  description:
    'Everything in the template is checked before anything is created. Applying the same template again changes\n' +
    'nothing. The image is built, booted afresh, tested, and written to a file that boots without Kiln.',
  positionals: { min: 1, max: 1 },
  options: {
    image: { type: 'string', value: 'LOGICAL_ID', help: 'which image to build, when the template has several' },
    parameter: {
      type: 'string',
      short: 'p',
      value: 'KEY=VALUE',
      multiple: true,
      help: 'value of a template parameter',
    },
    output: {
      type: 'string',
      short: 'o',
      value: 'FILE',
      help: 'where to write the image (default NAME-VERSION.qcow2 here)',
    },
    format: { type: 'string', value: 'FORMAT', help: `${EXPORT_FORMATS.join(', ')}; else by the file's name` },
    executor: {
      type: 'string',
      value: 'HOW',
      help: `how components are run: ${OFFERED_EXECUTORS.join(', ')} (default: vm, on a machine)`,
    },
    json: { type: 'boolean', help: 'one JSON event per line' },
  },

  async run(args, { config, io, signal }) {
    const startedAt = performance.now();
    const { plan, choice, output, executor } = await prepare(args, config);
    await using connection = await connect(config, signal);
    const report = createReport(args.flag('json'), io);
    const machine = openBuildMachine(config);
    let outcome: BuildOutcome;
    try {
      outcome = await buildImage({
        config,
        connection,
        plan,
        choice,
        output,
        executor,
        report,
        machine,
        signal,
        startedAt,
      });
      report.done(outcome);
    } finally {
      report.close();
    }
    // Others may have found the service of this process; they are not to lose their builds with it.
    if (!signal.aborted) {
      await connection.idle(signal, () =>
        io.stderr.write('kiln: other builds use this service; waiting for their end\n'),
      );
    }
    return exitCodeOf(outcome, signal);
  },
};

function openBuildMachine(config: Config): BuildMachine {
  return {
    exportImage: async (...args) => (await openDisks(config)).imageStore.export(...args),
    keptInstances: (arn) => findKeptInstances(config, arn),
  };
}

/** What the command line asks for, checked as far as that is possible without a service. */
interface Prepared {
  readonly plan: TemplatePlan;
  readonly choice: BuildChoice;
  readonly output: Output;
  /** Undefined: as the infrastructure configuration says. */
  readonly executor: Executor | undefined;
}

/** Where the image is to be written. */
export interface Output {
  /** Undefined: named after the image, in the current folder. */
  readonly file: string | undefined;
  readonly format: ExportFormat;
}

async function prepare(args: CommandArguments, config: Config): Promise<Prepared> {
  const [file = ''] = args.positionals;
  const parameters = readParameters(args.texts('parameter'));
  const output = await readOutput(args);
  const executor = readExecutor(args);
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new UsageError(systemMessage(coerceError(error)));
  });
  const [{ readTemplate }, { planTemplate }] = await Promise.all([
    import('../template/read-template.ts'),
    import('../template/plan-template.ts'),
  ]);
  const template = readTemplate(text, file);
  const credentials = await ensureCredentials(config.home);
  const plan = await planTemplate(template, {
    parameters,
    stackName: stackNameOf(file),
    partition: 'aws',
    region: config.region ?? credentials.region,
    accountId: config.accountId ?? credentials.accountId,
  });
  return { plan, choice: chooseBuild(plan, args.text('image')), output, executor };
}

function readParameters(pairs: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const separator = pair.indexOf('=');
      if (separator < 1) throw new UsageError(`-p takes KEY=VALUE, not '${pair}'`);
      return [pair.slice(0, separator), pair.slice(separator + 1)];
    }),
  );
}

function readExecutor(args: CommandArguments): Executor | undefined {
  const word = args.text('executor');
  const executor = OFFERED_EXECUTORS.find((known) => known === word);
  if (word === undefined || executor !== undefined) return executor;
  throw new UsageError(`--executor takes ${OFFERED_EXECUTORS.join(', ')}, not '${word}'`);
}

/** Minutes later would be too late to learn that the file cannot be written. */
async function readOutput(args: CommandArguments): Promise<Output> {
  const given = args.text('output');
  const format = exportFormat(args.text('format'), given);
  const file = given === undefined ? undefined : resolve(given);
  const folder = file === undefined ? process.cwd() : dirname(file);
  await access(folder, constants.W_OK).catch((error: unknown) => {
    throw new UsageError(`cannot write to the folder ${folder}: ${systemMessage(coerceError(error))}`);
  });
  const isFolder = file !== undefined && (await stat(file).catch(() => undefined))?.isDirectory() === true;
  if (isFolder) throw new UsageError(`-o names a folder: ${file}`);
  return { file, format };
}

/** `AWS::StackName`: Kiln has no stacks, and the folder of a template is what stays the same. */
function stackNameOf(file: string): string {
  const name = basename(dirname(resolve(file))).replace(/[^A-Za-z0-9-]+/g, '-');
  return /^[A-Za-z]/.test(name) ? name : `kiln-${name}`;
}

function createReport(json: boolean, io: Io): BuildReport {
  const write = (text: string): void => void io.stdout.write(text);
  if (json) return createJsonReport(write);
  return io.stdout.isTTY ? createLiveReport(io.stdout, io.colour) : createPlainReport(write);
}

function exitCodeOf({ status }: BuildOutcome, signal: AbortSignal): ExitCode {
  if (signal.aborted || status === 'CANCELLED') return EXIT.interrupted;
  return status === 'AVAILABLE' ? EXIT.done : EXIT.failed;
}
