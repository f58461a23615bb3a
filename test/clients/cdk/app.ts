/**
 * An app of AWS CDK that a platform team could have: a component in the app, one in a file, a recipe, where and how it is
 * built, a workflow, a pipeline, a policy; once more with L1 constructs. It is synthesised by cdk.test.ts.
 *
 *   node app.ts OUTDIR WORDS RECIPE_VERSION WORKING_DIRECTORY
 */
import { join } from 'node:path';
import * as imagebuilder from '@aws-cdk/aws-imagebuilder-alpha';
import { App, CfnCondition, CfnMapping, CfnOutput, CfnParameter, Fn, Stack } from 'aws-cdk-lib';
import { CfnComponent, CfnInfrastructureConfiguration, CfnLifecyclePolicy } from 'aws-cdk-lib/aws-imagebuilder';

const [outdir = '', words = '', version = '', workingDirectory = ''] = process.argv.slice(2);
const app = new App({ outdir, analyticsReporting: false });
const stack = new Stack(app, 'Web', { description: 'Web servers' });

const page = new imagebuilder.Component(stack, 'Page', {
  componentName: 'page',
  componentVersion: '1.0.0',
  platform: imagebuilder.Platform.LINUX,
  description: 'Writes a page',
  data: imagebuilder.ComponentData.fromComponentDocumentJsonObject({
    schemaVersion: imagebuilder.ComponentSchemaVersion.V1_0,
    phases: [
      {
        name: imagebuilder.ComponentPhaseName.BUILD,
        steps: [
          {
            name: 'Write',
            action: imagebuilder.ComponentAction.EXECUTE_BASH,
            inputs: imagebuilder.ComponentStepInputs.fromObject({ commands: [`echo ${words}`] }),
          },
        ],
      },
    ],
  }),
  tags: { team: 'web' },
});
const hardening = new imagebuilder.Component(stack, 'Hardening', {
  platform: imagebuilder.Platform.LINUX,
  data: imagebuilder.ComponentData.fromAsset(stack, 'HardeningFile', join(import.meta.dirname, 'hardening.yaml')),
});
const recipe = new imagebuilder.ImageRecipe(stack, 'Recipe', {
  imageRecipeName: 'web',
  imageRecipeVersion: version,
  workingDirectory,
  baseImage: imagebuilder.BaseImage.fromString(
    `arn:${stack.partition}:imagebuilder:${stack.region}:aws:image/debian-server-12-x86/x.x.x`,
  ),
  components: [{ component: page }, { component: hardening }],
});
const infrastructure = new imagebuilder.InfrastructureConfiguration(stack, 'Infrastructure', {
  terminateInstanceOnFailure: true,
  tags: { team: 'web' },
});
const distribution = new imagebuilder.DistributionConfiguration(stack, 'Distribution', {
  amiDistributions: [{ amiName: 'web {{ imagebuilder:buildDate }}', amiDescription: 'Web server' }],
});
new imagebuilder.Workflow(stack, 'Check', {
  workflowName: 'check',
  workflowVersion: '1.0.0',
  workflowType: imagebuilder.WorkflowType.TEST,
  data: imagebuilder.WorkflowData.fromJsonObject({
    name: 'check',
    schemaVersion: imagebuilder.WorkflowSchemaVersion.V1_0,
    steps: [
      { name: 'Launch', action: imagebuilder.WorkflowAction.LAUNCH_INSTANCE, inputs: { waitFor: 'ssmAgent' } },
      {
        name: 'End',
        action: imagebuilder.WorkflowAction.TERMINATE_INSTANCE,
        inputs: { 'instanceId.$': '$.stepOutputs.Launch.instanceId' },
      },
    ],
  }),
});
const pipeline = new imagebuilder.ImagePipeline(stack, 'Pipeline', {
  imagePipelineName: 'web',
  recipe,
  infrastructureConfiguration: infrastructure,
  distributionConfiguration: distribution,
});

new imagebuilder.Image(stack, 'Image', { recipe, infrastructureConfiguration: infrastructure });

// The same things a floor lower, with what only templates have.
const stage = new CfnParameter(stack, 'Stage', { default: 'test', allowedValues: ['test', 'production'] });
const sizes = new CfnMapping(stack, 'Sizes', {
  mapping: { test: { types: ['t3.micro'] }, production: { types: ['m5.large', 'm5.xlarge'] } },
});
const isProduction = new CfnCondition(stack, 'IsProduction', {
  expression: Fn.conditionEquals(stage.valueAsString, 'production'),
});
const low = new CfnInfrastructureConfiguration(stack, 'Low', {
  name: 'low',
  instanceProfileName: infrastructure.instanceProfile?.instanceProfileName ?? '',
  instanceTypes: Fn.findInMap('Sizes', stage.valueAsString, 'types') as unknown as string[],
  description: Fn.conditionIf(isProduction.logicalId, 'for good', 'for a while').toString(),
});
low.node.addDependency(sizes);
const extra = new CfnComponent(stack, 'Extra', {
  name: 'extra',
  version: '1.0.0',
  platform: 'Linux',
  data: Fn.sub(
    'schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n      - name: Say\n        action: ExecuteBash\n        inputs:\n          commands: ["echo ${AWS::StackName}"]\n',
  ),
});
extra.cfnOptions.condition = isProduction;
new CfnLifecyclePolicy(stack, 'Old', {
  name: 'old',
  status: 'DISABLED',
  executionRole: `arn:${stack.partition}:iam::${stack.account}:role/lifecycle`,
  resourceType: 'AMI_IMAGE',
  policyDetails: [
    {
      action: { type: 'DELETE', includeResources: { amis: true, snapshots: true } },
      filter: { type: 'AGE', value: 6, unit: 'MONTHS', retainAtLeast: 2 },
    },
  ],
  resourceSelection: { recipes: [{ name: 'web', semanticVersion: '1.x.x' }] },
});
new CfnOutput(stack, 'PipelineArn', { value: pipeline.imagePipelineArn });
new CfnOutput(stack, 'Account', { value: Fn.select(4, Fn.split(':', pipeline.imagePipelineArn)) });

app.synth();
