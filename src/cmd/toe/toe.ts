import { didYouMean } from '../../util/problem.ts';
import { type Command, type CommandContext, UsageError } from '../command.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { commandHelp } from '../help.ts';
import { parseArguments } from '../parse-arguments.ts';

/** Loaded when used: a run must not pay for what only the other needs. */
const TOE_COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./run.ts')).run,
  validate: async () => (await import('./validate.ts')).validate,
};

/** `kiln toe`: runs and checks component documents on this machine, with the flags of `awstoe`. */
export async function runToe(argv: readonly string[], context: CommandContext): Promise<ExitCode> {
  const [name = '--help', ...rest] = argv;
  if (name === '--help' || name === '-h') return help(context);
  if (name === '--version' || name === '-v') return version(context);
  const load = Object.hasOwn(TOE_COMMANDS, name) ? TOE_COMMANDS[name] : undefined;
  if (load === undefined) {
    const near = didYouMean(name, Object.keys(TOE_COMMANDS));
    const hint = near === undefined ? 'there are run and validate' : `did you mean '${near}'?`;
    throw new UsageError(`there is no command 'toe ${name}'; ${hint}`);
  }
  const command = await load();
  const args = parseArguments(`toe ${name}`, command, rest.map(spelledOut));
  if (args.flag('version')) return version(context);
  if (!args.flag('help')) return command.run(args, context);
  context.io.stdout.write(commandHelp(`toe ${name}`, command));
  return EXIT.done;
}

/** The guide writes these in some places; a line of a crontab must not fail over it. */
function spelledOut(argument: string): string {
  return argument.replace(/^--(document|parameter)(?==|$)/, '--$1s');
}

async function help({ io }: CommandContext): Promise<ExitCode> {
  const texts: string[] = [];
  for (const [name, load] of Object.entries(TOE_COMMANDS)) texts.push(commandHelp(`toe ${name}`, await load()));
  io.stdout.write(texts.join('\n'));
  return EXIT.done;
}

async function version({ io }: CommandContext): Promise<ExitCode> {
  const { kilnVersion } = await import('../version.ts');
  io.stdout.write(`kiln ${kilnVersion()}\n`);
  return EXIT.done;
}
