import { parseArgs } from 'node:util';
import { didYouMean } from '../util/problem.ts';
import { type Command, type CommandArguments, UsageError } from './command.ts';
import { COMMON_OPTIONS } from './help.ts';

/** @throws UsageError */
export function parseArguments(name: string, command: Command, argv: readonly string[]): CommandArguments {
  const options = { ...command.options, ...COMMON_OPTIONS };
  const { values, positionals, tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      Object.entries(options).map(([option, { type, short, multiple }]) => [
        option,
        { type, ...(short === undefined ? {} : { short }), ...(multiple === undefined ? {} : { multiple }) },
      ]),
    ),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const option = options[token.name];
    if (option === undefined) throw unknownOption(token.rawName, Object.keys(options));
    if (option.type === 'string' && (token.value === undefined || token.value === '')) {
      throw new UsageError(`${token.rawName} needs a value: ${token.rawName} ${option.value ?? 'VALUE'}`);
    }
    // Not strict, so that messages are ours; then a value that looks like an option has to be refused here.
    if (option.type === 'string' && !token.inlineValue && token.value?.startsWith('-') && token.value !== '-') {
      throw new UsageError(`${token.rawName} needs a value; write ${token.rawName}=${token.value} if that is meant`);
    }
    if (option.type === 'boolean' && token.value !== undefined) {
      throw new UsageError(`${token.rawName} takes no value`);
    }
  }
  const { min, max } = command.positionals;
  if (values['help'] !== true) {
    if (positionals.length < min) throw new UsageError(`usage: kiln ${name} ${command.usage}`);
    if (positionals.length > max) throw new UsageError(`unexpected argument '${positionals[max]}'`);
  }
  return {
    positionals,
    text: (option) => asTexts(values[option]).at(-1),
    texts: (option) => asTexts(values[option]),
    flag: (option) => values[option] === true,
  };
}

function asTexts(value: unknown): readonly string[] {
  return (Array.isArray(value) ? value : [value]).filter((item) => typeof item === 'string');
}

function unknownOption(rawName: string, known: readonly string[]): UsageError {
  const near = didYouMean(rawName.replace(/^-+/, ''), known);
  return new UsageError(`there is no option ${rawName}${near === undefined ? '' : `; did you mean --${near}?`}`);
}
