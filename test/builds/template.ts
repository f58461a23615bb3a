interface TemplateOf {
  /** Of the recipe and the infrastructure configuration. */
  readonly name: string;
  /** Their names, and the steps of their build phase; the recipe applies them in this order. */
  readonly components: Readonly<Record<string, readonly unknown[]>>;
  /** Default: the Debian base image. */
  readonly parentImage?: string;
  /** Further properties. */
  readonly infrastructure?: Readonly<Record<string, unknown>>;
  readonly image?: Readonly<Record<string, unknown>>;
}

const DEBIAN = 'arn:aws:imagebuilder:us-east-1:aws:image/debian-server-12-x86/x.x.x';

/** A template, as text, of one image. */
export function templateOf(options: TemplateOf): string {
  const { name, components, parentImage = DEBIAN, infrastructure = {}, image = {} } = options;
  const version = '1.0.0';
  const names = Object.keys(components);
  const componentResources = names.map((component) => {
    const phases = [{ name: 'build', steps: components[component] }];
    const data = JSON.stringify({ schemaVersion: '1.0', phases });
    const properties = { Name: component, Version: version, Platform: 'Linux', Data: data };
    return [component, { Type: 'AWS::ImageBuilder::Component', Properties: properties }];
  });
  return JSON.stringify({
    Resources: {
      ...Object.fromEntries(componentResources),
      Recipe: {
        Type: 'AWS::ImageBuilder::ImageRecipe',
        Properties: {
          Name: name,
          Version: version,
          ParentImage: parentImage,
          Components: names.map((component) => ({ ComponentArn: { 'Fn::GetAtt': [component, 'Arn'] } })),
        },
      },
      Infrastructure: {
        Type: 'AWS::ImageBuilder::InfrastructureConfiguration',
        // Tests emulate two guests at a time; processors of one guest would wait for each other. Less memory is quicker saved.
        Properties: { Name: name, InstanceProfileName: 'builder', InstanceTypes: ['t2.small'], ...infrastructure },
      },
      Image: {
        Type: 'AWS::ImageBuilder::Image',
        Properties: {
          ImageRecipeArn: { Ref: 'Recipe' },
          InfrastructureConfigurationArn: { Ref: 'Infrastructure' },
          ...image,
        },
      },
    },
  });
}

/** A step that runs shell commands. */
export function bash(name: string, commands: readonly string[], more: Readonly<Record<string, unknown>> = {}): unknown {
  return { name, action: 'ExecuteBash', ...more, inputs: { commands } };
}
