import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { BuildFailure } from '../util/faults.ts';
import { InvalidDocumentError } from '../util/problem.ts';
import { apply } from './apply.ts';
import { type CommandResult, runCommand } from './command.fixture.ts';
import type { Command } from './command.ts';
import { connect } from './connect.ts';
import { destroy } from './destroy.ts';
import { openTestService, type TestService } from './service.fixture.ts';

interface Wanted {
  readonly words?: string;
  readonly version?: string;
  readonly more?: string;
  readonly policy?: string;
}

/** A base image, and one that is built on it. */
const template = (
  folder: string,
  { words = 'echo hello', version = '1.0.0', more = '', policy = '' }: Wanted = {},
): string => `
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties: { AssumeRolePolicyDocument: {} }
  Profile:
    Type: AWS::IAM::InstanceProfile
    Properties: { Roles: [!Ref Role] }
  Tool:
    Type: AWS::ImageBuilder::Component
    ${policy}
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
                inputs: { commands: ["${words}"] }
  Recipe:
    Type: AWS::ImageBuilder::ImageRecipe
    Properties:
      Name: base
      Version: ${version}
      ParentImage: !Sub arn:aws:imagebuilder:\${AWS::Region}:aws:image/debian-server-12-x86/x.x.x
      Components: [{ ComponentArn: !GetAtt Tool.Arn }]
      WorkingDirectory: ${join(folder, 'work')}
  Infrastructure:
    Type: AWS::ImageBuilder::InfrastructureConfiguration
    Properties: { Name: web, InstanceProfileName: !Ref Profile }
  Base:
    Type: AWS::ImageBuilder::Image
    Properties: { ImageRecipeArn: !Ref Recipe, InfrastructureConfigurationArn: !Ref Infrastructure }
  WebRecipe:
    Type: AWS::ImageBuilder::ImageRecipe
    Properties: { Name: web, Version: ${version}, ParentImage: !Ref Base }
${more}
Outputs:
  Ami: { Value: !GetAtt Base.ImageId }
`;

const PIPELINE = `
  Pipeline:
    Type: AWS::ImageBuilder::ImagePipeline
    Properties: { Name: nightly, ImageRecipeArn: !Ref WebRecipe, InfrastructureConfigurationArn: !Ref Infrastructure }
`;

async function run(service: TestService, command: Command, text: string, ...flags: string[]): Promise<CommandResult> {
  const file = join(service.folder, 'template.yaml');
  await writeFile(file, text);
  return runCommand(command, [file, '--stack-name', 'web', ...flags], service.config);
}

/** `created component/tool/1.0.0/1` of each line about a resource. */
function changes({ stdout }: CommandResult): readonly string[] {
  return stdout
    .split('\n')
    .flatMap((line) => /^(\w+) +arn:aws:imagebuilder:us-east-1:[0-9]+:(.*)/.exec(line)?.slice(1).join(' ') ?? [])
    .filter((line) => !line.startsWith('unchanged') && !line.startsWith('building'));
}

test('a stack is made with its image, is left alone, follows its template, and is removed', async () => {
  await using service = await openTestService();
  const at = (wanted: Wanted = {}): string => template(service.folder, wanted);
  const first = await run(service, apply, at({ more: PIPELINE }));
  assert.deepEqual(changes(first), [
    'created component/tool/1.0.0/1',
    'created image-recipe/base/1.0.0',
    'created infrastructure-configuration/web',
    'created image/base/1.0.0/1',
    'created image-recipe/web/1.0.0',
    'created image-pipeline/nightly',
  ]);
  assert.match(first.stdout, /^name only {2}AWS::IAM::Role Role: web-Role-[0-9A-F]{12}$/m);
  assert.match(first.stdout, /^Ami = ami-[0-9a-f]{17}$/m);
  assert.match(first.stdout, /^stack web: 6 created$/m);

  const second = await run(service, apply, at({ more: PIPELINE }));
  assert.deepEqual(changes(second), []);
  assert.match(second.stdout, /^Ami = ami-[0-9a-f]{17}$/m);
  assert.match(second.stdout, /^stack web: 6 unchanged$/m);

  // Another component is another build; its recipe needs another version, and what was replaced goes.
  const changed = await run(service, apply, at({ words: 'echo bye', version: '1.1.0' }));
  assert.deepEqual(changes(changed), [
    'created component/tool/1.0.0/2',
    'created image-recipe/base/1.1.0',
    'created image/base/1.1.0/1',
    'created image-recipe/web/1.1.0',
    'removed image-pipeline/nightly',
    'removed image-recipe/base/1.0.0',
    'removed image-recipe/web/1.0.0',
    'removed image/base/1.0.0/1',
    'removed component/tool/1.0.0/1',
  ]);

  const gone = await run(service, destroy, at());
  assert.equal(gone.code, 0);
  assert.equal(changes(gone).length, 5);
  assert.deepEqual(changes(await run(service, destroy, at())), []);
  await using connection = await connect(service.config, new AbortController().signal);
  const { ListComponentsCommand } = await import('@aws-sdk/client-imagebuilder');
  const left = await connection.client.send(new ListComponentsCommand({ owner: 'Self' }));
  assert.deepEqual(left.componentVersionList, []);
});

test('a build that fails ends with its reason, and is taken away when another one succeeds', async () => {
  await using service = await openTestService();
  const failed = await run(service, apply, template(service.folder, { words: 'exit 3' })).catch((error) => error);
  assert.ok(failed instanceof BuildFailure, String(failed));
  assert.match(failed.message, /The image 'Base' is FAILED: .*/);
  const mended = await run(service, apply, template(service.folder, { version: '1.0.1' }));
  assert.deepEqual(
    changes(mended).filter((line) => line.includes(' image/')),
    ['created image/base/1.0.1/1', 'removed image/base/1.0.0/1'],
  );
});

test('what is retained stays and belongs to nobody; what is needed elsewhere stays and is named', async () => {
  await using service = await openTestService();
  const retained = template(service.folder, { policy: 'DeletionPolicy: Retain' });
  await run(service, apply, retained);
  const gone = await run(service, destroy, retained);
  assert.ok(changes(gone).includes('retained component/tool/1.0.0/1'));

  const parts = template(service.folder)
    .replace(/ {2}Base:[\s\S]*?(?=Outputs)/, '')
    .replace(/Outputs[\s\S]*/, '');
  await run(service, apply, parts);
  await using connection = await connect(service.config, new AbortController().signal);
  const { CreateImageRecipeCommand } = await import('@aws-sdk/client-imagebuilder');
  await connection.client.send(
    new CreateImageRecipeCommand({
      name: 'other',
      semanticVersion: '1.0.0',
      parentImage: 'arn:aws:imagebuilder:us-east-1:aws:image/debian-server-12-x86/x.x.x',
      components: [{ componentArn: `arn:aws:imagebuilder:us-east-1:${connection.accountId}:component/tool/1.0.0/1` }],
    }),
  );
  const refused = await run(service, destroy, parts);
  assert.equal(refused.code, 1);
  assert.match(refused.stdout, /^kept +arn:.*component\/tool\/1\.0\.0\/1: .*image-recipe\/other/m);
});

test('a resource of another stack is not taken over', async () => {
  await using service = await openTestService();
  const file = join(service.folder, 'template.yaml');
  const text =
    'Resources:\n  I:\n    Type: AWS::ImageBuilder::InfrastructureConfiguration\n    Properties: { Name: infra, InstanceProfileName: p }\n';
  await writeFile(file, text);
  await runCommand(apply, [file, '--stack-name', 'one'], service.config);
  const refusal = await runCommand(apply, [file, '--stack-name', 'two'], service.config).catch((error) => error);
  assert.ok(refusal instanceof InvalidDocumentError);
  assert.match(refusal.message, /:2:3: .*infrastructure-configuration\/infra belongs to the stack 'one'/);
  const events = (await runCommand(destroy, ['one', '--json'], service.config)).stdout.trim().split('\n');
  assert.deepEqual(
    events.map((line) => JSON.parse(line).event),
    ['removed', 'done'],
  );
});
