import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { parseComponent } from '../../documents/parse-component.ts';
import { InvalidDocumentError } from '../../util/problem.ts';
import {
  bash,
  documentOf,
  newPath,
  rebootable,
  run,
  type StepSpec,
  startedSteps,
  stepOf,
} from '../run-documents.fixture.ts';

function nested(name: string, document: string, more: StepSpec = {}): StepSpec {
  return { name, action: 'ExecuteDocument', inputs: { document, ...more } };
}

function textOf(phases: Readonly<Record<string, readonly StepSpec[]>>, head: object = {}): string {
  const list = Object.entries(phases).map(([name, steps]) => ({ name, steps }));
  return JSON.stringify({ schemaVersion: '1.0', ...head, phases: list });
}

async function fileOf(phases: Readonly<Record<string, readonly StepSpec[]>>, head: object = {}): Promise<string> {
  const path = newPath();
  await writeFile(path, textOf(phases, head));
  return path;
}

test('a document runs within a step, with its phases and parameters, and its summary is the output', async () => {
  const head = { name: 'inner', parameters: [{ Word: { type: 'string' } }] };
  const path = await fileOf({ build: [bash('B', 'echo {{ Word }}')], test: [bash('T', 'echo no')] }, head);
  const inputs = {
    phases: 'build',
    parameters: [
      { name: 'Word', value: '0755' },
      { name: 'Unknown', value: 'x' },
    ],
  };
  const result = await run([
    documentOf({ build: [nested('N', path, inputs), bash('After', 'echo {{ build.N.outputs.status }}')] }),
  ]);
  assert.equal(result.status, 'success', result.firstFailure?.errorMessage);
  assert.equal(result.executedStepCount, 2);
  const step = stepOf(result, 'N');
  const [output] = step.outputs;
  assert.deepEqual(
    { ...output, executionId: '' },
    {
      executedStepCount: 1,
      executionId: '',
      failedStepCount: 0,
      failureMessage: '',
      ignoredFailedStepCount: 0,
      logUrl: '',
      status: 'success',
    },
  );
  assert.notEqual(output?.['executionId'], result.executionId);
  assert.equal(step.nested[0]?.result.documents[0]?.phases[0]?.steps[0]?.outputs[0]?.['stdout'], '0755');
  assert.deepEqual([step.timeoutSeconds, step.maxAttempts], [-1, 1]);
  assert.deepEqual(startedSteps(result), ['N', 'B', 'After']);
  assert.deepEqual(stepOf(result, 'After').outputs, [{ stdout: 'success' }]);
});

test('a failure within names the outer document and step, and tells what went wrong inside', async () => {
  const path = await fileOf({ build: [bash('Inner', 'echo why >&2; exit 4')] });
  const result = await run([documentOf({ build: [nested('N', path)] }, {}, 'outer.yaml')]);
  assert.equal(result.failureMessage, 'Document outer.yaml failed!');
  assert.equal(result.firstFailure?.step, 'N');
  assert.match(result.firstFailure?.errorMessage ?? '', /failed! step Inner: exit status 4$/);
  assert.deepEqual(result.firstFailure?.lastLines, ['why']);
  assert.equal(stepOf(result, 'N').nested[0]?.result.status, 'failed');
});

test('four documents deep run, five do not', async () => {
  const five = await fileOf({ build: [bash('Five', 'echo 5')] });
  const four = await fileOf({ build: [nested('D', five)] });
  const three = await fileOf({ build: [nested('C', four)] });
  const two = await fileOf({ build: [nested('B', three)] });
  assert.equal((await run([documentOf({ build: [nested('A', three)] })])).status, 'success');
  const tooDeep = await run([documentOf({ build: [nested('A', two)] })]);
  assert.match(tooDeep.firstFailure?.errorMessage ?? '', /nested deeper than 3 levels/);
});

test('a document that runs itself or one around it is stopped, by whatever name', async () => {
  const folder = newPath();
  await mkdir(folder);
  await writeFile(`${folder}/a.yml`, textOf({ build: [nested('B', `${folder}/b.yml`)] }));
  await writeFile(`${folder}/b.yml`, textOf({ build: [nested('A', `${folder}/link.yml`)] }));
  await symlink('a.yml', `${folder}/link.yml`);
  const result = await run([documentOf({ build: [nested('N', `${folder}/../${folder.split('/').at(-1)}/a.yml`)] })]);
  assert.match(result.firstFailure?.errorMessage ?? '', /runs itself, which has no end/);
});

test('a loop may run the same document several times', async () => {
  const path = await fileOf({ build: [bash('S', 'echo {{ Item }}')] }, { parameters: [{ Item: { type: 'string' } }] });
  const step = nested('N', path, { parameters: [{ name: 'Item', value: '{{ loop.value }}' }] });
  const result = await run([documentOf({ build: [{ ...step, loop: { forEach: ['a', 'b'] } }] })]);
  assert.equal(result.status, 'success');
  assert.equal(stepOf(result, 'N').nested.length, 2);
  assert.equal(stepOf(result, 'N').outputs[0]?.['status'], 'success\nsuccess');
});

test('an attempt or a time of its own fails validation', () => {
  for (const more of [{ maxAttempts: 2 }, { timeoutSeconds: 60 }]) {
    const text = textOf({ build: [{ ...nested('N', '/x.yml'), ...more }] });
    assert.throws(() => parseComponent(text, 'D.yaml'), InvalidDocumentError);
  }
  const allowed = { ...nested('N', '/x.yml'), maxAttempts: 1, timeoutSeconds: -1 };
  parseComponent(textOf({ build: [allowed] }), 'D.yaml');
});

test('what is wrong with the nested document is told when the step runs', async () => {
  const broken = await fileOf({ build: [{ name: 'S', action: 'ExecuteBsh', inputs: { commands: ['x'] } }] });
  const needs = await fileOf({ build: [bash('S', 'echo {{ Word }}')] }, { parameters: [{ Word: { type: 'string' } }] });
  const cases: readonly (readonly [StepSpec, RegExp])[] = [
    [nested('N', broken), /did you mean 'ExecuteBash'/],
    [nested('N', '/no/such/document.yml'), /there is no document/],
    [nested('N', needs), /'Word' of the document has no value/],
    [nested('N', needs, { phases: 'test', parameters: [{ name: 'Word', value: 'x' }] }), /no phase 'test'/],
    [nested('N', 's3://bucket/key'), /no credentials for S3/],
    [nested('N', 'arn:aws:imagebuilder:eu-west-1:111122223333:component/x/1.0.0/1'), /no component service/],
  ];
  for (const [step, message] of cases) {
    const result = await run([documentOf({ build: [step] })]);
    assert.match(result.firstFailure?.errorMessage ?? '', message);
  }
});

test('documents come from S3 and from components; a component without a build is the newest', async () => {
  const text = textOf({ build: [bash('S', 'echo hi')] });
  const arn = 'arn:aws:imagebuilder:eu-west-1:111122223333:component/x/1.0.0';
  const places: unknown[] = [];
  const refused = async (): Promise<never> => Promise.reject(new Error('not expected'));
  const services = {
    components: async (asked: string) => ({ arn: `${asked}/7`, text }),
    objects: {
      get: async (place: object) => {
        places.push(place);
        return { size: text.length, body: Readable.from([Buffer.from(text)]) };
      },
      list: refused,
      put: refused,
      upload: refused,
      etags: refused,
    },
  };
  const steps = [
    nested('C', arn),
    nested('S', 's3://my-bucket/a b.yml', { 'document-s3-bucket-owner': '012345678901' }),
  ];
  const result = await run([documentOf({ build: steps })], { services });
  assert.equal(result.status, 'success', result.firstFailure?.errorMessage);
  assert.equal(stepOf(result, 'C').nested[0]?.document.id, `${arn}/7`);
  assert.deepEqual(places, [{ bucket: 'my-bucket', key: 'a b.yml', expectedOwner: '012345678901' }]);
});

test('a step of a nested document may reboot the machine', async () => {
  let reboots = 0;
  const marker = newPath();
  const path = await fileOf({ build: [bash('S', `[ -e ${marker} ] || { touch ${marker}; exit 194; }`)] });
  const target = rebootable(() => void reboots++);
  assert.equal((await run([documentOf({ build: [nested('N', path)] })], { target })).status, 'success');
  assert.equal(reboots, 1);
});
