import { type ActionDefinition, EVERY_STAGE, instanceId, minutes } from './definition.ts';

export const terminateInstance = {
  summary: 'Ends an instance and removes its disks.',
  stages: EVERY_STAGE,
  defaultTimeoutSeconds: minutes(30),
  maxTimeoutSeconds: minutes(720),
  inputs: {
    instanceId,
    waitForTermination: {
      type: 'boolean',
      required: false,
      summary: 'Kiln always waits: an instance is gone when the step ends.',
    },
  },
  outputs: {},
} as const satisfies ActionDefinition;
