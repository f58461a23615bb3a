import { type ActionDefinition, distributedOutput, minutes } from './definition.ts';

export const distributeImage = {
  summary: 'Brings the AMI to where the distribution configuration says: name, description and tags of this Region.',
  stages: ['DISTRIBUTION'],
  defaultTimeoutSeconds: minutes(360),
  maxTimeoutSeconds: minutes(720),
  inputs: {
    distributions: {
      type: 'mapList',
      required: false,
      members: {
        region: { type: 'string', required: true, summary: 'Where the AMI is to be.' },
        name: {
          type: 'string',
          required: false,
          summary: 'Its name, with `{{ imagebuilder:buildDate }}` and the like.',
        },
        description: { type: 'string', required: false, summary: 'Its description.' },
        targetAccountIds: {
          type: 'stringList',
          required: false,
          notYet: 'distribution to other accounts',
          summary: 'Accounts that get a copy.',
        },
        amiTags: { type: 'map', required: false, maxItems: 50, summary: 'Its tags.' },
        kmsKeyId: {
          type: 'string',
          required: false,
          notYet: 'encryption with KMS keys',
          summary: 'Encrypts the copies.',
        },
      },
      summary: 'In place of the distribution configuration of the image.',
    },
  },
  outputs: {
    distributedImages: distributedOutput(
      'Per AMI: `region`, `name`, `amiId`, `accountId`, `dateStarted`, `dateStopped`, `status`, `step`.',
    ),
  },
} as const satisfies ActionDefinition;
