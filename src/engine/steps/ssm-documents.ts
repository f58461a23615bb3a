import { powerShellCommand } from '../../toe/powershell.ts';
import type { TargetCommand, TargetOs } from '../../toe/target.ts';
import { BuildFailure } from '../../util/faults.ts';

/** A command document of Systems Manager that RunCommand can run. */
export interface SsmDocument {
  /** Systems it runs on. */
  readonly systems: readonly TargetOs[];
  /** The command that runs the lines as one script. */
  readonly command: (lines: readonly string[]) => Pick<TargetCommand, 'argv' | 'stdin'>;
}

export type SsmDocumentName = 'AWS-RunShellScript' | 'AWS-RunPowerShellScript';

export const SSM_DOCUMENTS: Readonly<Record<SsmDocumentName, SsmDocument>> = {
  'AWS-RunShellScript': {
    systems: ['linux', 'macos'],
    command: (lines) => ({ argv: ['sh', '-c', lines.join('\n')] }),
  },
  'AWS-RunPowerShellScript': {
    systems: ['windows'],
    command: (lines) => powerShellCommand(POWERSHELL, { script: lines.join('\r\n') }),
  },
};

/** As the agent runs it: errors do not stop the script, and its exit code is that of the last program. */
const POWERSHELL = `$ErrorActionPreference = 'Continue'
$global:LASTEXITCODE = 0
& ([scriptblock]::Create($in.script))
exit $LASTEXITCODE
`;

export interface ScriptParameters {
  readonly commands: readonly string[];
  readonly workingDirectory: string | undefined;
  readonly executionTimeoutSeconds: number;
}

/** What goes in one argument of a program is limited by the systems to somewhat more. */
const MAX_SCRIPT_BYTES = 96 * 1024;
/** Source: AWS Systems Manager, the documents' own schemas. */
const DEFAULT_EXECUTION_SECONDS = 3600;
const MAX_EXECUTION_SECONDS = 172_800;
const PARAMETERS = ['commands', 'workingDirectory', 'executionTimeout'];

/** Reads `parameters` of a RunCommand step. Throws a BuildFailure that says what is wrong. */
export function scriptParameters(given: Readonly<Record<string, unknown>>): ScriptParameters {
  const unknown = Object.keys(given).find((name) => !PARAMETERS.includes(name));
  if (unknown !== undefined) {
    throw new BuildFailure(`The document has no parameter '${unknown}'`, { hint: `It has ${PARAMETERS.join(', ')}.` });
  }
  const commands = texts(given, 'commands');
  if (commands.length === 0) throw new BuildFailure("The parameter 'commands' is missing or empty");
  if (Buffer.byteLength(commands.join('\n')) > MAX_SCRIPT_BYTES) {
    throw new BuildFailure(`The script has more than ${MAX_SCRIPT_BYTES} bytes`);
  }
  const [workingDirectory = ''] = one(given, 'workingDirectory');
  const [timeout = String(DEFAULT_EXECUTION_SECONDS)] = one(given, 'executionTimeout');
  const seconds = /^[0-9]{1,6}$/.test(timeout) ? Number(timeout) : 0;
  if (seconds < 1 || seconds > MAX_EXECUTION_SECONDS) {
    throw new BuildFailure(`executionTimeout must be from 1 to ${MAX_EXECUTION_SECONDS} seconds, not '${timeout}'`);
  }
  return {
    commands,
    workingDirectory: workingDirectory === '' ? undefined : workingDirectory,
    executionTimeoutSeconds: seconds,
  };
}

function one(given: Readonly<Record<string, unknown>>, name: string): readonly string[] {
  const list = texts(given, name);
  if (list.length > 1) throw new BuildFailure(`The parameter '${name}' takes one value, not ${list.length}`);
  return list;
}

function texts(given: Readonly<Record<string, unknown>>, name: string): readonly string[] {
  const value = Object.hasOwn(given, name) ? given[name] : [];
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw new BuildFailure(`The parameter '${name}' must be a list of strings`);
}
