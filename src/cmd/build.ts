import { explainReason } from '../engine/failure-cause/cause-line.ts';
import type { FailureClass } from '../engine/failure-cause/failure-classes.ts';
import type { TemplatePlan } from '../template/template-plan.ts';
import { type BuildMachine, buildImage } from './build-image.ts';
import { type BuildOutput, readOutput } from './build-output.ts';
import { BUILD_TAG_OPTIONS, readBuildTags } from './build-tags.ts';
import { type BuildChoice, chooseBuild } from './choose-build.ts';
import type { Command, CommandArguments, Io } from './command.ts';
import type { Config } from './config.ts';
import { connect } from './connect.ts';
import type { BuildOutcome } from './display/build-outcome.ts';
import type { BuildReport } from './display/build-report.ts';
import { createJsonReport } from './display/json-report.ts';
import { createLiveReport } from './display/live-report.ts';
import { createPlainReport } from './display/plain-report.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { EXPORT_FORMATS } from './export-formats.ts';
import { findKeptInstances } from './kept-instances.ts';
import { openDisks } from './open-disks.ts';
import { prepareExport } from './prepare-export.ts';
import { readPlan, TEMPLATE_OPTIONS } from './template-plans.ts';

const MISSING_PREREQUISITE: FailureClass = 'missing prerequisite';

export const build: Command = {
  usage:
    'TEMPLATE [--image LOGICAL_ID] [-p KEY=VALUE] [-o FILE] [--format FORMAT] [--executor HOW] [--no-cache] [--json]',
  summary: 'Applies a CloudFormation template and builds its image.',
  description:
    'Everything in the template is checked before anything is created. Applying the same template again changes\n' +
    'nothing. The image is built, booted afresh, tested, and written to a file that boots without Kiln.',
  positionals: { min: 1, max: 1 },
  options: {
    image: { type: 'string', value: 'LOGICAL_ID', help: 'which image to build, when the template has several' },
    ...TEMPLATE_OPTIONS,
    output: {
      type: 'string',
      short: 'o',
      value: 'FILE',
      help: 'where to write the image (default NAME-VERSION.qcow2 here)',
    },
    format: { type: 'string', value: 'FORMAT', help: `${EXPORT_FORMATS.join(', ')}; else by the file's name` },
    ...BUILD_TAG_OPTIONS,
    json: { type: 'boolean', help: 'one JSON event per line' },
  },

  async run(args, { config, io, signal }) {
    const startedAt = performance.now();
    const { plan, choice, output, tags } = await prepare(args, config, signal);
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
        tags,
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
    if (outcome.fault !== undefined && !signal.aborted) throw outcome.fault;
    return exitCodeOf(outcome, signal);
  },
};

function openBuildMachine(config: Config): BuildMachine {
  return {
    exportImage: async (...args) => (await openDisks(config)).imageStore.export(...args),
    prepareExport: async (...args) => prepareExport(await openDisks(config), ...args).catch(() => {}),
    keptInstances: (arn) => findKeptInstances(config, arn),
  };
}

/** What the command line asks for, checked as far as that is possible without a service. */
interface Prepared {
  readonly plan: TemplatePlan;
  readonly choice: BuildChoice;
  readonly output: BuildOutput;
  /** How the image is built (build-tags.ts). */
  readonly tags: Readonly<Record<string, string>>;
}

async function prepare(args: CommandArguments, config: Config, signal: AbortSignal): Promise<Prepared> {
  const output = await readOutput(args);
  const tags = readBuildTags(args);
  const plan = await readPlan(args, config, { buildsImages: false, signal });
  return { plan, choice: chooseBuild(plan, args.text('image')), output, tags };
}

function createReport(json: boolean, io: Io): BuildReport {
  const write = (text: string): void => void io.stdout.write(text);
  if (json) return createJsonReport(write);
  return io.stdout.isTTY ? createLiveReport(io.stdout, io.colour) : createPlainReport(write);
}

function exitCodeOf({ status, reason = '' }: BuildOutcome, signal: AbortSignal): ExitCode {
  if (signal.aborted || status === 'CANCELLED') return EXIT.interrupted;
  if (status === 'AVAILABLE') return EXIT.done;
  return explainReason(reason).cause === MISSING_PREREQUISITE ? EXIT.missingPrerequisite : EXIT.failed;
}
