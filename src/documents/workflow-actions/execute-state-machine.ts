import { type ActionDefinition, EVERY_STAGE, hours } from './definition.ts';

export const executeStateMachine = {
  summary: 'Starts a state machine of Step Functions and waits for its end.',
  stages: EVERY_STAGE,
  defaultTimeoutSeconds: hours(6),
  maxTimeoutSeconds: hours(24),
  inputs: {
    stateMachineArn: { type: 'string', required: true, summary: 'The state machine.' },
    input: {
      type: 'string',
      required: false,
      jsonBytes: 16 * 1024,
      summary: 'JSON for the execution. Default: `{}`.',
    },
  },
  outputs: {
    executionArn: { type: 'string', summary: 'The execution.' },
    output: { type: 'string', summary: 'What it gave, as JSON.' },
  },
} as const satisfies ActionDefinition;
