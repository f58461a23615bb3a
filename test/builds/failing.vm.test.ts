import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeKilnHome } from '../kiln-home.ts';

const TEMPLATE = `
Resources:
  Broken:
    Type: AWS::ImageBuilder::Component
    Properties:
      Name: broken
      Version: 1.0.0
      Platform: Linux
      Data: |
        schemaVersion: 1.0
        phases:
          - name: build
            steps:
              - name: Explode
                action: ExecuteBash
                inputs:
                  commands:
                    - echo "the fuse is lit"
                    - echo "no such fuel" >&2
                    - exit 3
  Recipe:
    Type: AWS::ImageBuilder::ImageRecipe
    Properties:
      Name: broken
      Version: 1.0.0
      ParentImage: !Sub arn:aws:imagebuilder:\${AWS::Region}:aws:image/debian-server-12-x86/x.x.x
      Components:
        - ComponentArn: !GetAtt Broken.Arn
  Infrastructure:
    Type: AWS::ImageBuilder::InfrastructureConfiguration
    Properties:
      Name: broken
      InstanceProfileName: builder
      TerminateInstanceOnFailure: false
  Image:
    Type: AWS::ImageBuilder::Image
    Properties:
      ImageRecipeArn: !GetAtt Recipe.Arn
      InfrastructureConfigurationArn: !GetAtt Infrastructure.Arn
`;

test('a failing component ends with 1, names its step and last lines, and a kept instance can be entered and ended', async () => {
  await using home = makeKilnHome({ withBaseImages: true });
  const template = join(home.work, 'template.yaml');
  writeFileSync(template, TEMPLATE);
  // A service of its own, so that the kept instance has somebody to end it later.
  const server = home.start(['serve', '--port', '0']);
  await server.line((line) => line.includes('http://127.0.0.1:'));

  const build = home.start(['build', template]);
  assert.equal(await build.ended, 1);
  const output = [...build.stdout, ...build.stderr].join('\n');
  for (const expected of [
    /component\/broken\/1\.0\.0\/1/,
    /build/,
    /Explode/,
    /exit status 3/,
    /no such fuel/,
    /kiln rm /,
  ]) {
    assert.match(output, expected);
  }
  // It failed on the mounted disk first, and what is kept is a machine.
  assert.match(output, /Booting the disk as it was before Component 'broken': step Explode failed without a running/);
  assert.match(output, /ssh .*-p \d+ .*root@127\.0\.0\.1/);
  const arn = /arn:aws:imagebuilder:[^ ]*:image\/broken\/1\.0\.0\/1/.exec(output)?.[0];
  assert.ok(arn);

  const removal = home.start(['rm', arn]);
  assert.equal(await removal.ended, 0, removal.stderr.join('\n'));
  const images = home.start(['images', '--json']);
  assert.equal(await images.ended, 0);
  assert.deepEqual(images.stdout, []);
});
