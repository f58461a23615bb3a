import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Instance } from '../../build-host/build-host.ts';
import { parseComponent } from '../../documents/parse-component.ts';
import type { RunnableDocument } from '../../toe/run-documents.types.ts';
import { localTarget } from '../../toe/targets/local.ts';
import { BuildFailure } from '../../util/faults.ts';
import { type ComponentOutcome, runComponents } from './run-components.ts';

const never = new AbortController().signal;

/** A component that runs one script in its phase `build`. */
function component(id: string, script: string, onFailure = 'Abort'): RunnableDocument {
  const step = { name: 'Step', action: 'ExecuteBash', onFailure, inputs: { commands: [script] } };
  const text = JSON.stringify({ name: id, schemaVersion: '1.0', phases: [{ name: 'build', steps: [step] }] });
  return { id, document: parseComponent(text, id), parameters: {} };
}

describe('components on an instance that begins as a mounted disk', () => {
  let folder = '';
  let history: string[] = [];
  let caught: readonly string[] = [];
  let lines: string[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kiln-components-'));
    await writeFile(join(folder, 'where'), 'disk');
    history = [];
    caught = [];
    lines = [];
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** `where` on it says what it is; `unbooted` only notes what is asked of it. */
  function instance(bootable: boolean): Instance {
    let booted = false;
    const boot = async (): Promise<void> => {
      history.push('boot');
      await writeFile(join(folder, 'where'), 'machine');
      booted = true;
    };
    const unbooted = {
      checkpoint: async () => {
        history.push('checkpoint');
      },
      caught: async () => caught,
      ...(bootable ? { boot } : {}),
    };
    return {
      instanceId: 'i-test',
      target: localTarget({ environment: { PATH: process.env['PATH'] ?? '' }, cwd: folder }),
      enterCommand: '',
      stopForCapture: () => Promise.reject(new Error('not here')),
      get unbooted() {
        return booted ? undefined : unbooted;
      },
    };
  }

  function run(documents: readonly RunnableDocument[], bootable = true): Promise<ComponentOutcome> {
    const monitor = {
      line: (_: string, text: string) => void lines.push(text),
      stepStarted: () => {},
      stepEnded: () => {},
    };
    const phases = ['build'];
    return runComponents({
      documents: {
        executionId: 'test',
        documents,
        phases,
        environment: {},
        workingDirectory: folder,
        accountId: '123456789012',
        region: 'us-east-1',
        signal: never,
        monitor,
      },
      phases,
      instance: instance(bootable),
      monitor,
      nameOf: ({ id }) => id,
    });
  }
  const note = (name: string): string => `echo "${name} on $(cat where)" >> log`;
  const log = (): Promise<string> => readFile(join(folder, 'log'), 'utf8');

  test('all run on the disk, with checkpoints between them', async () => {
    const { result, executors } = await run([component('a', note('a')), component('b', note('b'))]);
    assert.equal(result.status, 'success');
    assert.equal(result.executedStepCount, 2);
    assert.deepEqual(history, ['checkpoint']);
    assert.equal(await log(), 'a on disk\nb on disk\n');
    assert.deepEqual(executors, [
      { component: 'a', executor: 'direct' },
      { component: 'b', executor: 'direct' },
    ]);
  });

  test('at the first that says that it needs a running system the disk is booted', async () => {
    const documents = [
      component('a', note('a')),
      component('b', `${note('b')}; systemctl start x || :`),
      component('c', note('c')),
    ];
    const { result, executors } = await run(documents);
    assert.equal(result.status, 'success');
    assert.deepEqual(history, ['checkpoint', 'boot']);
    assert.equal(await log(), 'a on disk\nb on machine\nc on machine\n');
    assert.equal(executors?.[1]?.reason, 'step Step of phase build asks the service manager');
    assert.deepEqual(
      executors?.map(({ executor }) => executor),
      ['direct', 'vm', 'vm'],
    );
    assert.ok(
      lines.some((line) => line.startsWith('Booting the disk as it was before b')),
      lines.join('\n'),
    );
  });

  test('one that fails on the disk runs again on the machine', async () => {
    const { result, executors } = await run([component('a', '[ "$(cat where)" = machine ]')]);
    assert.equal(result.status, 'success');
    assert.match(executors?.[0]?.reason ?? '', /step Step failed without a running system: exit status 1/);
    const ignored = await run([component('a', 'exit 3', 'Ignore')]);
    assert.match(ignored.executors?.[0]?.reason ?? '', /whose failure is ignored/);
  });

  test('one that ran what only a running system can obey runs again, though it ended well', async () => {
    caught = ['systemctl start'];
    const { executors } = await run([component('a', note('a'))]);
    assert.match(executors?.[0]?.reason ?? '', /it ran systemctl start, which only a running system can obey/);
    assert.equal(await log(), 'a on disk\na on machine\n');
  });

  test('one that fails on the machine as well fails the build', async () => {
    const { result } = await run([component('a', 'exit 5'), component('b', note('b'))]);
    assert.equal(result.status, 'failed');
    assert.equal(result.firstFailure?.errorMessage, 'exit status 5');
    assert.equal(result.failureMessage, 'Document a failed!');
  });

  test('without a machine to go to, a need is refused and a failure is final', async () => {
    await assert.rejects(run([component('a', 'systemctl start x')], false), BuildFailure);
    const { result } = await run([component('a', 'exit 5')], false);
    assert.equal(result.firstFailure?.errorMessage, 'exit status 5');
    caught = ['reboot'];
    await assert.rejects(run([component('a', 'true')], false), /only a running system can obey/);
  });
});
