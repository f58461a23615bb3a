import { type ActionDefinition, commandOutputs, EVERY_STAGE, instanceId, minutes } from './definition.ts';

export const runSysPrep = {
  summary: 'Generalises Windows, so that each instance of the image becomes a machine of its own. Fails elsewhere.',
  stages: EVERY_STAGE,
  defaultTimeoutSeconds: minutes(60),
  maxTimeoutSeconds: minutes(720),
  inputs: { instanceId },
  outputs: commandOutputs,
} as const satisfies ActionDefinition;
