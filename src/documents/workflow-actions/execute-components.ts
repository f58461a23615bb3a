import { type ActionDefinition, commandOutputs, hours, instanceId, minutes } from './definition.ts';

export const executeComponents = {
  summary: 'Runs the components of the recipe: phases build and validate in build workflows, test in test workflows.',
  stages: ['BUILD', 'TEST'],
  defaultTimeoutSeconds: minutes(720),
  maxTimeoutSeconds: hours(24),
  inputs: { instanceId },
  outputs: commandOutputs,
} as const satisfies ActionDefinition;
