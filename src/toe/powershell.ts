import type { TargetCommand } from './target.ts';

/** Windows PowerShell, not PowerShell 7: it is there on every Windows. */
const POWERSHELL = [
  'powershell.exe',
  '-NoLogo',
  '-NoProfile',
  '-NonInteractive',
  '-ExecutionPolicy',
  'Bypass',
] as const;

/** What every fixed script begins with: its values come as JSON on standard input and never become part of it. */
const READ_VALUES = `$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$in = [Console]::In.ReadToEnd() | ConvertFrom-Json
`;

/** The command that runs a fixed script with values. */
export function powerShellCommand(script: string, values: object): Pick<TargetCommand, 'argv' | 'stdin'> {
  return { ...powerShellReader(READ_VALUES + script), stdin: asciiJson(values) };
}

/** The command that runs a fixed script which reads its standard input itself. */
export function powerShellReader(script: string): Pick<TargetCommand, 'argv'> {
  return { argv: [...POWERSHELL, '-EncodedCommand', Buffer.from(script, 'utf16le').toString('base64')] };
}

/** The command that runs a script file of the user's. */
export function powerShellFile(path: string): Pick<TargetCommand, 'argv'> {
  return { argv: [...POWERSHELL, '-File', path] };
}

/** The code page of the console must not matter. */
function asciiJson(values: object): string {
  return JSON.stringify(values).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
