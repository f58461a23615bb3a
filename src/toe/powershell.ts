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

/**
 * What every fixed script begins with: its values come as JSON on standard input and never become part of it. `Fail` ends
 * it with one sentence; `Say` gives text back in a way that no code page of a console can spoil, see {@link saidBy}.
 */
const BEGIN = `$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
function Fail($text) { [Console]::Error.WriteLine($text); exit 1 }
function Say($text) { [Console]::Out.Write([Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes($text))) }
try {
$in = [Console]::In.ReadToEnd() | ConvertFrom-Json
`;

/** Without this PowerShell writes errors as XML where its output is redirected. */
const END = `
} catch { Fail $_.Exception.Message }
`;

/** The command that runs a fixed script with values. */
export function powerShellCommand(script: string, values: object): Pick<TargetCommand, 'argv' | 'stdin'> {
  return { ...powerShellReader(wholeScript(script)), stdin: asciiJson(values) };
}

/** The script that {@link powerShellCommand} runs. */
export function wholeScript(script: string): string {
  return BEGIN + script + END;
}

/** The command that runs a fixed script which reads its standard input itself. */
export function powerShellReader(script: string): Pick<TargetCommand, 'argv'> {
  return { argv: [...POWERSHELL, '-EncodedCommand', Buffer.from(script, 'utf16le').toString('base64')] };
}

/** The command that runs a script file of the user's. */
export function powerShellFile(path: string): Pick<TargetCommand, 'argv'> {
  return { argv: [...POWERSHELL, '-File', path] };
}

/** What a script gave back by `Say`. */
export function saidBy(stdout: string): string {
  return Buffer.from(stdout.trim(), 'base64').toString('utf8');
}

/** The code page of the console must not matter. */
export function asciiJson(values: object): string {
  return JSON.stringify(values).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
