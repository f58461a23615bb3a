import {
  CreateImageCommand,
  CreateImageRecipeCommand,
  CreateInfrastructureConfigurationCommand,
  CreateWorkflowCommand,
  type ImagebuilderClient,
  type WorkflowType,
} from '@aws-sdk/client-imagebuilder';

interface WorkflowImage {
  /** Of all that is made for it. */
  readonly name: string;
  readonly type: WorkflowType;
  /** The document of the workflow. */
  readonly data: string;
  readonly parentImage: string;
}

/** Asks for an image that one workflow of one's own makes. Gives its ARN. */
export async function createWorkflowImage(
  client: ImagebuilderClient,
  { name, type, data, parentImage }: WorkflowImage,
): Promise<string> {
  const semanticVersion = '1.0.0';
  const workflow = await client.send(new CreateWorkflowCommand({ name, semanticVersion, type, data }));
  const recipe = await client.send(new CreateImageRecipeCommand({ name, semanticVersion, parentImage }));
  const infrastructure = await client.send(
    new CreateInfrastructureConfigurationCommand({ name, instanceProfileName: 'profile' }),
  );
  const { imageBuildVersionArn = '' } = await client.send(
    new CreateImageCommand({
      imageRecipeArn: recipe.imageRecipeArn,
      infrastructureConfigurationArn: infrastructure.infrastructureConfigurationArn,
      workflows: [{ workflowArn: workflow.workflowBuildVersionArn }],
      executionRole: 'builder',
    }),
  );
  return imageBuildVersionArn;
}
