import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseComponent } from '../../documents/parse-component.ts';
import { type ComponentInputs, componentInputs, type InputSources } from './component-inputs.ts';

type Step = Readonly<Record<string, unknown>>;

function read(steps: readonly Step[], over: Partial<InputSources> = {}, parameters = {}): Promise<ComponentInputs> {
  const named = steps.map((step, index) => ({ name: `S${index}`, ...step }));
  const text = JSON.stringify({
    schemaVersion: '1.0',
    parameters: [{ Site: { type: 'string', default: 'one' } }],
    phases: [
      { name: 'build', steps: named },
      {
        name: 'test',
        steps: [{ name: 'T', action: 'ExecuteBash', inputs: { commands: ['echo $IMAGE_STEP_EXECUTION_ID'] } }],
      },
    ],
  });
  return componentInputs({ id: 'x', document: parseComponent(text, 'x'), parameters }, ['build', 'validate'], {
    environment: { IMAGE_VERSION: '1.2.3' },
    services: {},
    states: { web: async () => undefined, objects: async () => undefined, index: async () => undefined },
    today: '2026-03-09',
    signal: new AbortController().signal,
    ...over,
  });
}

const bash = (command: string): Step => ({ action: 'ExecuteBash', inputs: { commands: [command] } });
const file = (content: string): Step => ({ action: 'CreateFile', inputs: [{ path: '/x', content }] });

describe('what decides what a component does', () => {
  test('a file is all in its document; a program may fetch anything', async () => {
    const nothing = { values: {}, varying: undefined, fetches: undefined, usesApt: false, downloads: [] };
    assert.deepEqual(await read([file('x')]), nothing);
    assert.match((await read([bash('true')])).fetches ?? '', /runs programs/);
    assert.equal((await read([bash('apt-get -y install nginx')])).usesApt, true);
    assert.equal((await read([{ action: 'UpdateOS' }])).usesApt, true);
    assert.equal((await read([bash('cat /etc/capital')])).usesApt, false);
  });

  test('what differs in each build is seen in the phases that run, and nowhere else', async () => {
    for (const command of [
      'echo $IMAGE_BUILD_VERSION_ARN',
      'echo {{ env:IMAGE_BUILD_VERSION }}',
      'echo {{ context:uuid }}',
      'echo {{ context:dateTime }}',
      'echo {{ aws:imds:instance-id }}',
    ]) {
      assert.match((await read([bash(command)])).varying ?? '', /^it uses /, command);
    }
    assert.equal((await read([bash('echo $IMAGE_VERSION')])).varying, undefined);
    assert.match(
      (await read([{ action: 'S3Upload', inputs: [{ source: '/a', destination: 's3://bucket/a' }] }])).varying ?? '',
      /uploads/,
    );
  });

  test('variables, the date and stored parameters count by their values', async () => {
    assert.equal((await read([bash('echo $IMAGE_VERSION')])).values['IMAGE_VERSION'], '1.2.3');
    assert.equal((await read([file('{{ context:date }}')])).values['date'], '2026-03-09');
    const services = { parameters: async () => ({ value: 'secret', secret: true }) };
    const { values } = await read([file('{{ aws:ssm:/token }}')], { services });
    assert.deepEqual(values, { 'ssm:/token': 'secret' });
  });

  test('a download counts by its checksum, else by its state, else it may be anything', async () => {
    const from = 'https://example.org/{{ Site }}.tar';
    const download = (more = {}) => ({ action: 'WebDownload', inputs: [{ source: from, destination: '/x', ...more }] });
    const one = 'https://example.org/one.tar';
    const pinned = await read([download({ checksum: 'a'.repeat(64), algorithm: 'SHA256' })]);
    assert.deepEqual(pinned.downloads, [one], 'it is downloaded all the same');
    assert.deepEqual([pinned.values, pinned.fetches], [{}, undefined]);
    const states = {
      web: async (url: string) => `state of ${url}`,
      objects: async ({ bucket, key }: { bucket: string; key: string }) => `state of ${bucket} ${key}`,
      index: async () => undefined,
    };
    const known = await read([download()], { states }, { Site: 'two' });
    const two = 'https://example.org/two.tar';
    assert.deepEqual([known.values, known.fetches], [{ [`web:${two}`]: `state of ${two}` }, undefined]);
    const stateless = await read([download(), bash('npm install')]);
    assert.match(stateless.fetches ?? '', /no state/);
    assert.deepEqual(stateless.downloads, [one, 'packages']);
    const object = { action: 'S3Download', inputs: [{ source: 's3://bucket/a/*', destination: '/x' }] };
    const objects = await read([object], { states });
    assert.deepEqual([objects.values, objects.fetches], [{ 's3:bucket/a/': 'state of bucket a/' }, undefined]);
    assert.deepEqual(objects.downloads, ['s3://bucket/a/*']);
    assert.match((await read([object])).fetches ?? '', /no state/);
  });

  test('a nested document counts by its text', async () => {
    const arn = 'arn:aws:imagebuilder:us-east-1:123456789012:component/c/1.0.0/1';
    const components = async () => ({ arn, text: 'commands: [apt-get update]' });
    const { values, usesApt } = await read([{ action: 'ExecuteDocument', inputs: { document: arn } }], {
      services: { components },
    });
    assert.equal(values[`document:${arn}`], 'commands: [apt-get update]');
    assert.equal(usesApt, true);
  });

  test('and by what decides what that document does', async () => {
    const arn = 'arn:aws:imagebuilder:us-east-1:123456789012:component/c/1.0.0/1';
    const parameters = async (name: string) => ({ value: `value of ${name}`, secret: false });
    const nested = (text: string) =>
      read([{ action: 'ExecuteDocument', inputs: { document: arn } }], {
        services: { components: async () => ({ arn, text }), parameters },
      });
    const plain = await nested('commands: [cat {{ aws:ssm:/a }} {{ context:date }} /etc/x]');
    assert.equal(plain.varying, undefined);
    assert.equal(plain.values['ssm:/a'], 'value of /a');
    assert.equal(plain.values['date'], '2026-03-09');
    assert.equal(plain.values['IMAGE_VERSION'], '1.2.3', 'a document that it downloads may ask for it');
    for (const text of [
      'commands: [echo $IMAGE_BUILD_VERSION]',
      'commands: [echo {{ context:uuid }}]',
      'commands: ["env > /etc/x"]',
      'action: S3Upload',
      'action: ExecuteDocument',
    ])
      assert.match((await nested(text)).varying ?? '', / (?:uses|reads) /, text);
  });

  test('what it downloads and runs may read any variable that is the same in each build', async () => {
    const states = {
      web: async () => 'state',
      objects: async () => 'state',
      index: async () => undefined,
    };
    const script = { action: 'S3Download', inputs: [{ source: 's3://bucket/x.sh', destination: '/x.sh' }] };
    assert.equal((await read([script, bash('sh /x.sh')], { states })).values['IMAGE_VERSION'], '1.2.3');
    assert.equal((await read([script, file('x')], { states })).values['IMAGE_VERSION'], undefined, 'nothing runs it');
    assert.equal((await read([bash('sh /x.sh')])).values['IMAGE_VERSION'], undefined);
  });

  test('whoever reads all variables reads those that are others in each build', async () => {
    for (const command of [
      'env | grep ^IMAGE_ > /etc/x',
      'env',
      'X=$(env)',
      'printenv > /etc/x',
      'true; export -p',
      'declare -p >/x',
      "tr '\\0' '\\n' < /proc/self/environ",
      'sudo env -0',
    ])
      assert.match((await read([bash(command)])).varying ?? '', /all variables/, command);
    for (const command of [
      '#!/usr/bin/env bash',
      'env DEBIAN_FRONTEND=noninteractive apt-get -y install x',
      'printenv HOME',
      'cat /etc/env',
      'export PATH=/opt/bin:$PATH',
      'source /opt/venv/bin/activate',
      'mkdir env; python3 -m venv env',
    ])
      assert.equal((await read([bash(command)])).varying, undefined, command);
  });
});
