import { type ActionDefinition, days, EVERY_STAGE } from './definition.ts';

export const waitForAction = {
  summary:
    'Waits until somebody says RESUME or STOP (SendWorkflowStepAction, `kiln approve`, `kiln reject`). No worker is kept busy meanwhile.',
  stages: EVERY_STAGE,
  defaultTimeoutSeconds: days(3),
  maxTimeoutSeconds: days(7),
  inputs: {
    snsTopicArn: { type: 'string', required: false, summary: 'A topic that is told that the step waits.' },
    lambdaFunctionName: {
      type: 'string',
      required: false,
      summary: 'A function that is invoked with the same message: a name or an ARN.',
    },
    payload: {
      type: 'string',
      required: false,
      jsonBytes: 16 * 1024,
      summary: 'JSON that goes into the message.',
    },
  },
  outputs: {
    action: { type: 'string', summary: '`RESUME`, or `STOP` when the step failed for it.' },
    reason: { type: 'string', summary: 'What the answer said. Empty when it said nothing.' },
  },
} as const satisfies ActionDefinition;
