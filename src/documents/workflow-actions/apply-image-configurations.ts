import {
  type ActionDefinition,
  type ActionInput,
  distributedImages,
  distributedOutput,
  minutes,
} from './definition.ts';

const refused = (notYet: string, type: ActionInput['type'] = 'mapList'): ActionInput => ({
  ...{ type, notYet },
  required: false,
  summary: notYet,
});

export const applyImageConfigurations = {
  summary: 'Does with the distributed AMIs what comes after copying: writes SSM parameters.',
  stages: ['DISTRIBUTION'],
  defaultTimeoutSeconds: minutes(360),
  maxTimeoutSeconds: minutes(720),
  inputs: {
    distributedImages,
    configurations: {
      type: 'mapList',
      required: false,
      members: {
        region: { type: 'string', required: true, summary: 'Where.' },
        ssmParameterConfigurations: {
          type: 'mapList',
          required: false,
          members: {
            parameterName: { type: 'string', required: true, summary: 'Name of the parameter.' },
            amiAccountId: refused('SSM parameters for other accounts', 'string'),
            dataType: {
              type: 'string',
              required: false,
              allowed: ['text', 'aws:ec2:image'],
              summary: 'What the parameter holds. Default: `aws:ec2:image`.',
            },
          },
          summary: 'Parameters that get the id of the AMI.',
        },
        licenseConfigurationArns: refused('License Manager configurations', 'stringList'),
        launchTemplateConfigurations: refused('launch templates'),
        s3ExportConfiguration: refused('export to S3', 'map'),
        fastLaunchConfigurations: refused('Windows fast launch'),
      },
      summary: 'In place of the distribution configuration of the image.',
    },
  },
  outputs: { configuredImages: distributedOutput('As `distributedImages` of DistributeImage.') },
} as const satisfies ActionDefinition;
