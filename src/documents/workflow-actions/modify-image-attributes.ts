import { type ActionDefinition, distributedImages, distributedOutput, minutes } from './definition.ts';

export const modifyImageAttributes = {
  summary: 'Records who may launch the distributed AMIs.',
  stages: ['DISTRIBUTION'],
  defaultTimeoutSeconds: minutes(120),
  maxTimeoutSeconds: minutes(180),
  inputs: {
    distributedImages,
    attributes: {
      type: 'mapList',
      required: false,
      members: {
        region: { type: 'string', required: true, summary: 'Where.' },
        launchPermission: {
          type: 'map',
          required: false,
          members: {
            userIds: { type: 'stringList', required: false, summary: 'Accounts.' },
            userGroups: { type: 'stringList', required: false, summary: '`all`: everybody.' },
            organizationArns: { type: 'stringList', required: false, summary: 'Organizations.' },
            organizationalUnitArns: { type: 'stringList', required: false, summary: 'Organizational units.' },
          },
          summary: 'Who may launch.',
        },
      },
      summary: 'In place of the distribution configuration of the image.',
    },
  },
  outputs: { modifiedImages: distributedOutput('As `distributedImages` of DistributeImage.') },
} as const satisfies ActionDefinition;
