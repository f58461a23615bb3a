/** The command line: finds the subcommand, runs it, turns what it throws into a message and an exit code. */
import { didYouMean } from '../util/problem.ts';
import { type CommandContext, type Io, UsageError } from './command.ts';
import { COMMANDS } from './commands.ts';
import { type ConfigFlags, loadConfig, loadErrorSettings } from './config.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { commandHelp, mainHelp } from './help.ts';
import { parseArguments } from './parse-arguments.ts';
import { InterruptedError, interruptions } from './signals.ts';

const TOE = { name: 'toe', summary: 'Run or check component documents on this machine' };

async function main(argv: readonly string[], signal: AbortSignal): Promise<ExitCode> {
  const [name = 'help', ...rest] = argv;
  switch (name) {
    case 'help':
      return rest[0] === undefined ? help() : main([rest[0], '--help'], signal);
    case '--help':
    case '-h':
      return help();
    case 'version':
    case '--version': {
      const { kilnVersion } = await import('./version.ts');
      process.stdout.write(`kiln ${kilnVersion()}\n`);
      return EXIT.done;
    }
    case TOE.name: {
      const { runToe } = await import('./toe/toe.ts');
      return runToe(rest, makeContext({}, signal));
    }
    default:
      return runCommand(name, rest, signal);
  }
}

function help(): ExitCode {
  process.stdout.write(mainHelp([...COMMANDS, TOE]));
  return EXIT.done;
}

async function runCommand(name: string, argv: readonly string[], signal: AbortSignal): Promise<ExitCode> {
  const command = await findCommand(name).load();
  const args = parseArguments(name, command, argv);
  if (args.flag('help')) {
    process.stdout.write(commandHelp(name, command));
    return EXIT.done;
  }
  return command.run(args, makeContext({ home: args.text('home'), port: args.text('port') }, signal));
}

function makeContext(flags: ConfigFlags, signal: AbortSignal): CommandContext {
  const config = loadConfig(flags);
  return { config, io: standardIo(config.noColour), signal };
}

function findCommand(name: string): (typeof COMMANDS)[number] {
  const entry = COMMANDS.find((candidate) => candidate.name === name);
  if (entry !== undefined) return entry;
  const near = didYouMean(name, ['help', TOE.name, ...COMMANDS.map((candidate) => candidate.name)]);
  throw new UsageError(
    `there is no command '${name}'${near === undefined ? '' : `; did you mean '${near}'?`} See kiln help.`,
  );
}

function standardIo(noColour: boolean): Io {
  const { stdout, stderr } = process;
  return { stdout, stderr, colour: !noColour && stderr.isTTY === true };
}

// A plain object: each look at `process.env` calls into C, and the YAML parser looks at every token.
process.env = { ...process.env };

// A reader that goes away (`kiln images | head`) is no error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

const signal = interruptions();
try {
  process.exitCode = await main(process.argv.slice(2), signal);
} catch (error) {
  if (error instanceof InterruptedError || signal.aborted) {
    process.exitCode = EXIT.interrupted;
  } else {
    const { reportError } = await import('./report-error.ts');
    const { debug, noColour } = loadErrorSettings();
    const report = reportError(error, { colour: process.stderr.isTTY === true && !noColour, debug });
    process.stderr.write(`${report.text}\n`);
    process.exitCode = report.exitCode;
  }
}
