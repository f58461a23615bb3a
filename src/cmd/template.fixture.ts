/**
 * A template, as text, of one image with one component that runs this command.
 *
 * @param more further properties of the infrastructure configuration
 */
export const template = (command: string, more = ''): string => `
Resources:
  Tool:
    Type: AWS::ImageBuilder::Component
    Properties:
      Name: tool
      Version: 1.0.0
      Platform: Linux
      Data: |
        schemaVersion: 1.0
        phases:
          - name: build
            steps:
              - name: Work
                action: ExecuteBash
                inputs:
                  commands:
                    - ${command}
  Recipe:
    Type: AWS::ImageBuilder::ImageRecipe
    Properties:
      Name: web
      Version: 1.0.0
      ParentImage: arn:aws:imagebuilder:us-east-1:aws:image/debian-server-12-x86/x.x.x
      Components: [{ ComponentArn: !Ref Tool }]
      WorkingDirectory: WORK
  Infrastructure:
    Type: AWS::ImageBuilder::InfrastructureConfiguration
    Properties: { Name: web, InstanceProfileName: profile${more} }
  Image:
    Type: AWS::ImageBuilder::Image
    Properties: { ImageRecipeArn: !Ref Recipe, InfrastructureConfigurationArn: !Ref Infrastructure }
Outputs:
  Ami: { Value: !GetAtt Image.ImageId }
  Recipe: { Value: !Ref Recipe }
`;
