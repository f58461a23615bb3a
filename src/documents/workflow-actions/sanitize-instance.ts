import { type ActionDefinition, commandOutputs, EVERY_STAGE, instanceId, minutes } from './definition.ts';

export const sanitizeInstance = {
  summary: 'Removes what must not be in an image: keys, host identity, logs and the traces of the build.',
  stages: EVERY_STAGE,
  defaultTimeoutSeconds: minutes(60),
  maxTimeoutSeconds: minutes(720),
  inputs: { instanceId },
  outputs: commandOutputs,
} as const satisfies ActionDefinition;
