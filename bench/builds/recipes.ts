/** What is built, in each tool's own language: the same commands on the same disk. */

export interface BenchComponent {
  readonly name: string;
  readonly commands: readonly string[];
}

const install = (name: string, packages: string): BenchComponent => ({
  name,
  commands: [`DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ${packages}`],
});

const page = (text: string): BenchComponent => ({
  name: 'page',
  commands: ['mkdir -p /var/www/html', `printf '%s\\n' '${text}' > /var/www/html/index.html`],
});

/** Update package lists, install nginx-light, write a page; one test. */
export const recipeA = (text: string): readonly BenchComponent[] => [
  { name: 'nginx', commands: ['apt-get update', ...install('', 'nginx-light').commands] },
  page(text),
];

/** Eight components, about 300 MB of packages. */
export const recipeB = (text: string): readonly BenchComponent[] => [
  { name: 'lists', commands: ['apt-get update'] },
  install('compiler', 'gcc libc6-dev make'),
  install('python', 'python3 python3-venv'),
  install('java', 'default-jre-headless'),
  install('database', 'postgresql'),
  install('tools', 'git vim-tiny curl jq rsync'),
  install('web', 'nginx-light'),
  page(text),
];

/** As many components as wanted, each of which writes a megabyte and takes half a second. */
export const recipeOf = (count: number, last: string): readonly BenchComponent[] =>
  Array.from({ length: count }, (_, index) => ({
    name: `part-${index}`,
    commands: [
      'sleep 0.5',
      `head -c 1000000 /dev/urandom > /srv/part-${index}`,
      `echo '${index === count - 1 ? last : ''}'`,
    ],
  }));

/** A CloudFormation template; versions are raised so that each variant is a recipe of its own. */
export function templateOf(
  name: string,
  version: string,
  components: readonly BenchComponent[],
  { tested }: { readonly tested: boolean },
): string {
  const resources: Record<string, unknown> = {};
  for (const [index, component] of components.entries()) {
    const isLast = index === components.length - 1;
    const build = [{ name: 'Run', action: 'ExecuteBash', inputs: { commands: ['set -e', ...component.commands] } }];
    const test = [{ name: 'Test', action: 'ExecuteBash', inputs: { commands: ['test -s /etc/os-release'] } }];
    const phases = [{ name: 'build', steps: build }, ...(isLast ? [{ name: 'test', steps: test }] : [])];
    resources[`Component${index}`] = {
      Type: 'AWS::ImageBuilder::Component',
      Properties: {
        Name: `bench-${name}-${component.name}`,
        Version: isLast ? version : '1.0.0',
        Platform: 'Linux',
        Data: JSON.stringify({ schemaVersion: '1.0', phases }),
      },
    };
  }
  resources['Recipe'] = {
    Type: 'AWS::ImageBuilder::ImageRecipe',
    Properties: {
      Name: `bench-${name}`,
      Version: version,
      ParentImage: {
        'Fn::Sub': 'arn:${AWS::Partition}:imagebuilder:${AWS::Region}:aws:image/debian-server-12-x86/x.x.x',
      },
      Components: components.map((_, index) => ({ ComponentArn: { 'Fn::GetAtt': [`Component${index}`, 'Arn'] } })),
    },
  };
  resources['Infrastructure'] = {
    Type: 'AWS::ImageBuilder::InfrastructureConfiguration',
    Properties: { Name: `bench-${name}`, InstanceProfileName: 'bench', InstanceTypes: ['t3.small'] },
  };
  resources['Image'] = {
    Type: 'AWS::ImageBuilder::Image',
    Properties: {
      ImageRecipeArn: { 'Fn::GetAtt': ['Recipe', 'Arn'] },
      InfrastructureConfigurationArn: { 'Fn::GetAtt': ['Infrastructure', 'Arn'] },
      ImageTestsConfiguration: { ImageTestsEnabled: tested },
    },
  };
  return JSON.stringify({ AWSTemplateFormatVersion: '2010-09-09', Resources: resources });
}
