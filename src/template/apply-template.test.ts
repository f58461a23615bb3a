import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { GetComponentCommand, ImagebuilderClient, ListTagsForResourceCommand } from '@aws-sdk/client-imagebuilder';
import { rootCredential } from '../api/auth/credentials.ts';
import { createApi } from '../api/server.ts';
import { callOperation } from '../cmd/service-client.ts';
import { operationHandlers } from '../resources/operations.ts';
import { requestChecks } from '../resources/request-checks.ts';
import { testService } from '../resources/test-service.ts';
import { openTestStore } from '../state/test-store.ts';
import { systemClock } from '../util/clock.ts';
import { InvalidDocumentError } from '../util/problem.ts';
import { type AppliedTemplate, applyTemplate } from './apply-template.ts';
import { PLACE, plan } from './test-template.ts';

const TEMPLATE = `
Parameters:
  Words: { Type: String, Default: hello }
  RecipeVersion: { Type: String, Default: 1.0.0 }
  Type: { Type: String, Default: m5.large }
Resources:
  Tool:
    Type: AWS::ImageBuilder::Component
    Properties:
      Name: Tool Box
      Version: 1.0.0
      Platform: Linux
      Tags: { team: web }
      Data: !Sub |
        schemaVersion: 1.0
        phases:
          - name: build
            steps:
              - name: Say
                action: ExecuteBash
                inputs:
                  commands:
                    - echo \${Words}
  Recipe:
    Type: AWS::ImageBuilder::ImageRecipe
    Properties:
      Name: web
      Version: !Ref RecipeVersion
      ParentImage: !Sub arn:aws:imagebuilder:\${AWS::Region}:aws:image/debian-server-12-x86/x.x.x
      Components: [{ ComponentArn: !GetAtt Tool.Arn }]
      BlockDeviceMappings: [{ DeviceName: /dev/xvda, Ebs: { VolumeSize: 8, VolumeType: gp3 } }]
  Infrastructure:
    Type: AWS::ImageBuilder::InfrastructureConfiguration
    Properties: { Name: web, InstanceProfileName: profile, InstanceTypes: [!Ref Type] }
  Distribution:
    Type: AWS::ImageBuilder::DistributionConfiguration
    Properties:
      Name: web
      Distributions:
        - Region: !Ref AWS::Region
          AmiDistributionConfiguration: { Name: "web {{ imagebuilder:buildDate }}", AmiTags: { a: b } }
  Pipeline:
    Type: AWS::ImageBuilder::ImagePipeline
    Properties:
      Name: web
      ImageRecipeArn: !Ref Recipe
      InfrastructureConfigurationArn: !Ref Infrastructure
      DistributionConfigurationArn: !Ref Distribution
      ImageTestsConfiguration: { ImageTestsEnabled: true }
  Image:
    Type: AWS::ImageBuilder::Image
    Properties:
      ImageRecipeArn: !Ref Recipe
      InfrastructureConfigurationArn: !Ref Infrastructure
`;

/** A service with an empty database, and what a template does to it. */
async function openService() {
  const store = await openTestStore();
  const assets = new Map<string, string>();
  const { service } = testService(store);
  const credential = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' };
  const api = createApi({
    operations: operationHandlers({ ...service, readUri: async (uri) => assets.get(uri) ?? '' }),
    checkRequest: requestChecks(service),
    kiln: {
      service: { version: '0', accountId: PLACE.accountId, region: PLACE.region, pid: 1, home: '/' },
      follow: async function* () {},
    },
    findCredential: () => rootCredential({ ...credential, accountId: PLACE.accountId }),
    findTags: async () => undefined,
    trail: { append: async () => {}, failure: () => undefined },
    requestRate: { perSecond: 1, burst: 1 },
    maxFollowStreams: 1,
    isReady: async () => true,
    readGauges: async () => ({ images: new Map(), queued: 0 }),
    accountId: PLACE.accountId,
    region: PLACE.region,
    clock: systemClock,
    log: { debug: () => {}, warn: () => {}, error: (fields) => assert.fail(JSON.stringify(fields)) },
  });
  const listening = await api.listen({ place: { host: '127.0.0.1', port: 0 } });
  const address = { url: listening.url, region: PLACE.region, credentials: credential };
  const client = new ImagebuilderClient({ endpoint: listening.url, region: PLACE.region, credentials: credential });
  const apply = async (template: string, parameters = {}, file = 'template.yaml'): Promise<AppliedTemplate> =>
    applyTemplate(await plan(template, { parameters }, file), {
      ...PLACE,
      call: (operation, input, signal) => callOperation(address, operation, input, signal),
      stack: undefined,
      stageDocument: async (document) => {
        assets.set('s3://kiln-assets/1', document);
        return 's3://kiln-assets/1';
      },
      signal: new AbortController().signal,
    });
  return {
    client,
    apply,
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      await listening.close();
      await store.close();
    },
  };
}

function outcomes({ resources }: AppliedTemplate): Record<string, string> {
  return Object.fromEntries(resources.map(({ logicalId, outcome }) => [logicalId, outcome]));
}

const ALL = ['Tool', 'Recipe', 'Infrastructure', 'Distribution', 'Pipeline'];
const all = (outcome: string): Record<string, string> => Object.fromEntries(ALL.map((id) => [id, outcome]));

test('a template creates its resources, and applying it again changes nothing', async () => {
  await using service = await openService();
  const first = await service.apply(TEMPLATE);
  assert.deepEqual(outcomes(first), all('created'));
  const arn = (rest: string): string => `arn:aws:imagebuilder:us-east-1:123456789012:${rest}`;
  assert.deepEqual(
    first.resources.map((resource) => resource.arn),
    [
      arn('component/tool-box/1.0.0/1'),
      arn('image-recipe/web/1.0.0'),
      arn('infrastructure-configuration/web'),
      arn('distribution-configuration/web'),
      arn('image-pipeline/web'),
    ],
  );
  assert.deepEqual(first.images, [
    {
      logicalId: 'Image',
      input: {
        imageRecipeArn: arn('image-recipe/web/1.0.0'),
        infrastructureConfigurationArn: arn('infrastructure-configuration/web'),
      },
    },
  ]);
  assert.deepEqual(first.attributes.get('Tool'), {
    Arn: arn('component/tool-box/1.0.0/1'),
    Name: 'Tool Box',
    Type: 'BUILD',
    Encrypted: 'false',
    'LatestVersion.Arn': arn('component/tool-box/x.x.x'),
    'LatestVersion.Major': arn('component/tool-box/1.x.x'),
    'LatestVersion.Minor': arn('component/tool-box/1.0.x'),
    'LatestVersion.Patch': arn('component/tool-box/1.0.0'),
  });

  const second = await service.apply(TEMPLATE);
  assert.deepEqual(outcomes(second), all('unchanged'));
  assert.deepEqual(
    second.resources.map((resource) => resource.arn),
    first.resources.map((resource) => resource.arn),
  );
});

test('a changed component is a new build; the recipe that pins it needs a new version, and the hint says so', async () => {
  await using service = await openService();
  await service.apply(TEMPLATE);
  const refusal = await service.apply(TEMPLATE, { Words: 'bye' }).catch((error: unknown) => error);
  assert.ok(refusal instanceof InvalidDocumentError);
  const [problem] = refusal.problems;
  assert.match(problem?.message ?? '', /ResourceAlreadyExistsException.*image-recipe\/web\/1\.0\.0/);
  assert.match(problem?.hint ?? '', /^Changed: Components\. Raise Version; .*LatestVersion\.Patch/);
  assert.equal(TEMPLATE.split('\n')[(problem?.position.line ?? 0) - 1]?.trim(), 'Version: !Ref RecipeVersion');

  assert.deepEqual(outcomes(await service.apply(TEMPLATE)), all('unchanged'), 'nothing was created');

  const raised = await service.apply(TEMPLATE, { Words: 'bye', RecipeVersion: '1.0.1' });
  assert.deepEqual(outcomes(raised), { ...all('unchanged'), Tool: 'created', Recipe: 'created', Pipeline: 'updated' });
  assert.match(raised.resources[0]?.arn ?? '', /component\/tool-box\/1\.0\.0\/2$/);
});

test('a change that is taken back is none, unless the template means the newest build', async () => {
  await using service = await openService();
  const first = await service.apply(TEMPLATE);
  const changed = await service.apply(TEMPLATE, { Words: 'bye', RecipeVersion: '1.0.1' });
  const back = await service.apply(TEMPLATE);
  assert.deepEqual(
    outcomes(back),
    { ...all('unchanged'), Pipeline: 'updated' },
    'the pipeline has the first recipe again',
  );
  assert.equal(back.resources[0]?.arn, first.resources[0]?.arn);
  assert.notEqual(back.resources[0]?.arn, changed.resources[0]?.arn);
  const follows = TEMPLATE.replace('!GetAtt Tool.Arn', '!GetAtt Tool.LatestVersion.Patch');
  const newest = await service.apply(follows, { RecipeVersion: '2.0.0' });
  assert.match(newest.resources[0]?.arn ?? '', /tool-box\/1\.0\.0\/3$/, 'else it would build the other words');
});

test('a recipe that follows the newest build of its component does not change with it', async () => {
  await using service = await openService();
  const template = TEMPLATE.replace('!GetAtt Tool.Arn', '!GetAtt Tool.LatestVersion.Patch');
  await service.apply(template);
  assert.deepEqual(outcomes(await service.apply(template, { Words: 'bye' })), { ...all('unchanged'), Tool: 'created' });
});

test('a recipe whose version the service counts is created when it changed and found when it did not', async () => {
  await using service = await openService();
  const counted = { RecipeVersion: '1.0.x' };
  const first = await service.apply(TEMPLATE, counted);
  const again = await service.apply(TEMPLATE, counted);
  assert.deepEqual(outcomes(again), all('unchanged'));
  const changed = await service.apply(TEMPLATE, { ...counted, Words: 'bye' });
  assert.deepEqual(outcomes(changed), { ...all('unchanged'), Tool: 'created', Recipe: 'created', Pipeline: 'updated' });
  assert.notEqual(changed.resources[1]?.arn, first.resources[1]?.arn);
});

test('changed configurations are updated, and what the template no longer says is taken back', async () => {
  await using service = await openService();
  await service.apply(TEMPLATE);
  assert.deepEqual(outcomes(await service.apply(TEMPLATE, { Type: 't3.micro' })), {
    ...all('unchanged'),
    Infrastructure: 'updated',
  });
  const without = TEMPLATE.replace(', InstanceTypes: [!Ref Type]', '').replace(', AmiTags: { a: b }', '');
  assert.deepEqual(outcomes(await service.apply(without)), {
    ...all('unchanged'),
    Infrastructure: 'updated',
    Distribution: 'updated',
  });
  assert.deepEqual(outcomes(await service.apply(without)), all('unchanged'));
});

test('tags follow the template without a new version', async () => {
  await using service = await openService();
  await service.apply(TEMPLATE);
  const changed = await service.apply(TEMPLATE.replace('{ team: web }', '{ owner: me }'));
  assert.deepEqual(outcomes(changed), { ...all('unchanged'), Tool: 'updated' });
  const [tool] = changed.resources;
  const { tags } = await service.client.send(new ListTagsForResourceCommand({ resourceArn: tool?.arn }));
  assert.deepEqual(tags, { owner: 'me' });
});

test('a component file is sent inline, and staged when it is too long for that', async () => {
  await using service = await openService();
  const folder = await mkdtemp(join(tmpdir(), 'kiln-template-'));
  try {
    const document = (length: number): string =>
      `schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n      - name: Write\n        action: CreateFile\n        inputs:\n          - path: /x\n            content: ${'x'.repeat(length)}\n`;
    const template = `Resources:
  C:
    Type: AWS::ImageBuilder::Component
    Properties: { Name: file, Version: 1.0.0, Platform: Linux, Uri: c.yaml }
`;
    for (const [length, build] of [
      [10, 1],
      [20_000, 2],
    ] as const) {
      await writeFile(join(folder, 'c.yaml'), document(length));
      const created = await service.apply(template, {}, join(folder, 'template.yaml'));
      assert.deepEqual(outcomes(created), { C: 'created' });
      const componentBuildVersionArn = created.resources[0]?.arn ?? '';
      assert.match(componentBuildVersionArn, new RegExp(`/1\\.0\\.0/${build}$`));
      const { component } = await service.client.send(new GetComponentCommand({ componentBuildVersionArn }));
      assert.equal(component?.data, document(length));
      assert.deepEqual(outcomes(await service.apply(template, {}, join(folder, 'template.yaml'))), { C: 'unchanged' });
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('what only the service can refuse has its place in the template', async () => {
  await using service = await openService();
  const template = TEMPLATE.replace('aws:image/debian-server-12-x86', 'aws:image/no-such-image');
  const refusal = await service.apply(template).catch((error: unknown) => error);
  assert.ok(refusal instanceof InvalidDocumentError, String(refusal));
  assert.match(refusal.problems[0]?.message ?? '', /Exception: .*no-such-image/);
});
