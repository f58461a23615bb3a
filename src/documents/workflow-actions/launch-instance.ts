import { type ActionDefinition, EVERY_STAGE, minutes } from './definition.ts';

export const launchInstance = {
  summary: 'Boots an instance and waits until it takes commands.',
  stages: EVERY_STAGE,
  defaultTimeoutSeconds: minutes(75),
  maxTimeoutSeconds: minutes(720),
  inputs: {
    waitFor: { type: 'string', required: true, allowed: ['ssmAgent'], summary: 'When the instance counts as ready.' },
    healthCheck: {
      type: 'string',
      required: false,
      allowed: ['RUNNING', 'STATUS_CHECK_PASSED'],
      summary: 'Both mean: it takes commands. An instance that does has passed every check there is.',
    },
    imageIdOverride: {
      type: 'string',
      required: false,
      summary: 'AMI to boot. Default: the parent image in build workflows, the new AMI in test workflows.',
    },
    instanceTypesOverride: {
      type: 'stringList',
      required: false,
      summary: 'Instance types to try in order. Default: those of the infrastructure configuration.',
    },
  },
  outputs: { instanceId: { type: 'string', summary: 'The instance.' } },
} as const satisfies ActionDefinition;
