import { type ActionDefinition, commandOutputs, EVERY_STAGE, instanceId, minutes } from './definition.ts';

export const runCommand = {
  summary: 'Runs a command document of Systems Manager on the instance: a shell script, or a PowerShell script.',
  stages: EVERY_STAGE,
  defaultTimeoutSeconds: minutes(720),
  maxTimeoutSeconds: minutes(720),
  inputs: {
    instanceId,
    documentName: {
      type: 'string',
      required: true,
      allowed: ['AWS-RunShellScript', 'AWS-RunPowerShellScript'],
      refused: { 'AWS-ConfigureAWSPackage': 'packages of Systems Manager Distributor come from AWS only' },
      summary: 'The document. PowerShell is for Windows, shell is for everything else.',
    },
    parameters: {
      type: 'stringListMap',
      required: false,
      summary:
        'What the document takes: `commands` (lines of the script), `workingDirectory`, `executionTimeout` (seconds, 3600).',
    },
    documentVersion: {
      type: 'string',
      required: false,
      allowed: ['$DEFAULT', '$LATEST', '1'],
      summary: 'There is one version of each document, so all of these mean the same.',
    },
  },
  outputs: {
    ...commandOutputs,
    output: { type: 'stringList', summary: 'What the script wrote to standard output: at most 24,000 characters.' },
  },
} as const satisfies ActionDefinition;
