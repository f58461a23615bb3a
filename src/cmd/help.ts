import type { Command, CommandOption } from './command.ts';
import { ENVIRONMENT_VARIABLES } from './config.ts';
import { EXIT_CODES } from './exit-codes.ts';

/** Options that every command has. */
export const COMMON_OPTIONS: Readonly<Record<string, CommandOption>> = {
  home: { type: 'string', value: 'FOLDER', help: 'where everything is kept (KILN_HOME)' },
  help: { type: 'boolean', short: 'h', help: 'print this' },
};

/** What `kiln help` prints. */
export function mainHelp(commands: readonly { readonly name: string; readonly summary: string }[]): string {
  return [
    'kiln builds and tests virtual machine images from EC2 Image Builder definitions.',
    '',
    'Usage: kiln COMMAND [arguments]',
    '       kiln COMMAND --help',
    '',
    'Commands:',
    ...table(commands.map(({ name, summary }) => [name, summary])),
    '',
    'Exit codes:',
    ...table(EXIT_CODES.map(({ code, meaning }) => [String(code), meaning])),
    '',
    'Environment:',
    ...table(ENVIRONMENT_VARIABLES.map(({ name, help }) => [name, help])),
    '',
  ].join('\n');
}

/** What `kiln NAME --help` prints. */
export function commandHelp(name: string, command: Command): string {
  const options = Object.entries({ ...command.options, ...COMMON_OPTIONS });
  return [
    `Usage: kiln ${name} ${command.usage}`,
    '',
    command.summary,
    ...(command.description === undefined ? [] : ['', command.description]),
    '',
    'Options:',
    ...table(options.map(([option, { short, value, help }]) => [optionHead(option, short, value), help])),
    '',
  ].join('\n');
}

function optionHead(option: string, short: string | undefined, value: string | undefined): string {
  const long = value === undefined ? `--${option}` : `--${option} ${value}`;
  return short === undefined ? `    ${long}` : `-${short}, ${long}`;
}

function table(rows: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(...rows.map(([head]) => head.length));
  return rows.map(([head, text]) => `  ${head.padEnd(width)}  ${text}`);
}
