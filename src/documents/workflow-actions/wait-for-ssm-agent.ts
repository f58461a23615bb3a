import { type ActionDefinition, EVERY_STAGE, instanceId, minutes } from './definition.ts';

export const waitForSsmAgent = {
  summary: 'Waits until the instance takes commands, for instance after a reboot.',
  stages: EVERY_STAGE,
  defaultTimeoutSeconds: minutes(60),
  maxTimeoutSeconds: minutes(180),
  inputs: { instanceId },
  outputs: { status: { type: 'string', summary: '`Online`.' } },
} as const satisfies ActionDefinition;
