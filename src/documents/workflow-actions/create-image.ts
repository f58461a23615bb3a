import { type ActionDefinition, days, EVERY_STAGE, instanceId, minutes } from './definition.ts';

export const createImage = {
  summary: 'Stops the instance and makes an AMI of its root disk.',
  stages: EVERY_STAGE,
  defaultTimeoutSeconds: minutes(720),
  maxTimeoutSeconds: days(3),
  inputs: { instanceId },
  outputs: { imageId: { type: 'string', summary: 'The AMI.' } },
} as const satisfies ActionDefinition;
