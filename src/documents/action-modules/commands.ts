import { ACCOUNT } from './account.ts';
import { type ActionModule, EVERYWHERE, UNIX, WINDOWS } from './module.ts';

const stdout = { stdout: 'What was written to standard output, without the line end at its end.' };

/** Modules that run programs, and Assert. */
export const commandModules = {
  Assert: {
    name: 'Assert',
    summary: 'Fails the step unless a condition is true.',
    platforms: EVERYWHERE,
    shape: 'condition',
    inputs: {},
    outputs: {},
  },
  ExecuteBash: {
    name: 'ExecuteBash',
    summary: 'Runs all commands as one bash script; exit status 194 reboots and runs the step again.',
    platforms: UNIX,
    shape: 'map',
    inputs: { commands: { type: 'texts', required: true, summary: 'Joined by line ends into one script.' } },
    outputs: stdout,
  },
  ExecuteBinary: {
    name: 'ExecuteBinary',
    summary: 'Runs a program without a shell; exit status 194 reboots and runs the step again.',
    platforms: EVERYWHERE,
    shape: 'map',
    inputs: {
      path: { type: 'path', required: true, summary: 'The program; a bare name is looked up in PATH.' },
      arguments: { type: 'texts', summary: 'Given to the program exactly as they are.' },
    },
    outputs: stdout,
  },
  ExecuteDocument: {
    name: 'ExecuteDocument',
    summary: 'Runs another component document, at most three levels deep.',
    platforms: EVERYWHERE,
    shape: 'map',
    ownTime: true,
    inputs: {
      document: { type: 'path', required: true, summary: 'Path, S3 URI or component build version ARN.' },
      'document-s3-bucket-owner': { type: 'text', ...ACCOUNT, summary: 'Account that must own the bucket.' },
      phases: { type: 'text', summary: 'Phases to run, separated by commas; default all.' },
      parameters: { type: 'parameters', summary: 'List of name and value for the nested document.' },
    },
    outputs: {
      executedStepCount: 'Steps that ran.',
      executionId: 'Id of the nested run.',
      failedStepCount: 'Steps that failed.',
      failureMessage: 'Why it failed.',
      ignoredFailedStepCount: 'Steps that failed and were ignored.',
      logUrl: 'Always empty.',
      status: 'success or failed.',
    },
  },
  ExecutePowerShell: {
    name: 'ExecutePowerShell',
    summary: 'Runs Windows PowerShell; exit status 3010 reboots and runs the step again.',
    platforms: WINDOWS,
    shape: 'map',
    inputs: {
      commands: { type: 'texts', summary: 'Joined by line ends into one script.' },
      file: { type: 'path', summary: 'A script that is there already.' },
    },
    exactlyOneOf: ['commands', 'file'],
    outputs: stdout,
  },
} as const satisfies Record<string, ActionModule>;
