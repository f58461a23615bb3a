import assert from 'node:assert/strict';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { at, bash, document, toe } from './toe.fixture.ts';

async function journal(name: string): Promise<readonly string[]> {
  return (await readFile(at(name), 'utf8')).trim().split('\n');
}

test('a command that ends with 194 ends the run with 194, and the same command line goes on with the same step', async () => {
  const file = await document(
    'repeat.yaml',
    bash('First', 'echo first >> r1; echo one'),
    bash('Twice', 'echo twice {{ build.First.outputs.stdout }} >> r1; [ -e r1.mark ] || { touch r1.mark; exit 194; }', {
      if: { not: { fileExists: 'r1.mark' } },
    }),
    bash('Last', 'echo last >> r1'),
  );
  const args = ['run', '-d', file, '-i', 'id-1', '-l', 'logs1', '-s', 'state1'];
  const first = await toe(...args);
  assert.deepEqual([first.code, first.stdout], [194, '']);
  assert.match(first.stderr, /has to be rebooted; then give the same command again/);
  const state = at('state1', 'kiln-toe-state.json');
  assert.equal((await stat(state)).mode & 0o777, 0o600);

  const second = await toe(...args);
  assert.equal(second.code, 0, second.stderr);
  assert.deepEqual(await journal('r1'), ['first', 'twice one', 'twice one', 'last']);
  assert.deepEqual([JSON.parse(second.stdout).executedStepCount, JSON.parse(second.stdout).executionId], [3, 'id-1']);
  const folders = await readdir(at('logs1'));
  assert.equal(folders.length, 1);
  const detail = JSON.parse(await readFile(at('logs1', folders[0] ?? '', 'detailedoutput.json'), 'utf8'));
  assert.deepEqual(
    detail.documents[0].phases[0].steps.map(
      ({ name, status }: { name: string; status: string }) => `${name} ${status}`,
    ),
    ['First success', 'Twice success', 'Last success'],
  );
  assert.deepEqual(await readdir(at('state1')), []);
});

test('after the Reboot module the run goes on with the next step, without a state directory too', async () => {
  const file = await document(
    'next.yaml',
    bash('Before', 'echo before >> r2'),
    { name: 'Reboot', action: 'Reboot', inputs: { delaySeconds: 0 } },
    bash('After', 'echo after >> r2'),
  );
  assert.equal((await toe('run', '-d', file, '-l', 'logs2')).code, 194);
  const second = await toe('run', '-d', file, '-l', 'logs2');
  assert.equal(second.code, 0, second.stderr);
  assert.deepEqual(await journal('r2'), ['before', 'after']);
  assert.deepEqual(await readdir(at('home', 'toe')), []);
  // The third time there is nothing saved: it is a run of its own.
  assert.equal((await toe('run', '-d', file, '-l', 'logs2')).code, 194);
  assert.deepEqual(await journal('r2'), ['before', 'after', 'before']);
});

test('a reboot within a loop is followed by the same iteration; outputs of those before are kept', async () => {
  const file = await document(
    'loop.yaml',
    bash(
      'Loop',
      'echo {{ loop.value }} | tee -a r3; [ {{ loop.value }} != b ] || [ -e r3.mark ] || { touch r3.mark; exit 194; }',
      {
        loop: { forEach: ['a', 'b', 'c'] },
      },
    ),
    bash('Show', 'echo "{{ build.Loop.outputs.stdout }}" > r3.out'),
  );
  assert.equal((await toe('run', '-d', file, '-s', 'state3')).code, 194);
  assert.equal((await toe('run', '-d', file, '-s', 'state3')).code, 0);
  assert.deepEqual(await journal('r3'), ['a', 'b', 'b', 'c']);
  assert.deepEqual(await journal('r3.out'), ['a', 'b', 'c']);
});

test('a saved run of other documents is refused and kept; --fresh forgets it', async () => {
  const first = await document('one.yaml', bash('Reboot', 'echo one >> r4; exit 194'));
  const other = await document('two.yaml', bash('Step', 'echo two >> r4'));
  assert.equal((await toe('run', '-d', first, '-s', 'state4')).code, 194);
  const refused = await toe('run', '-d', other, '-s', 'state4');
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /holds a run with other documents, phases or parameters; give --fresh/);
  assert.match((await toe('run', '-d', first, '-s', 'state4', '-i', 'another')).stderr, /the execution id/);
  assert.equal((await toe('run', '-d', other, '-s', 'state4', '--fresh')).code, 0);
  assert.deepEqual(await journal('r4'), ['one', 'two']);
  await writeFile(at('state4', 'kiln-toe-state.json'), 'damaged');
  assert.match((await toe('run', '-d', other, '-s', 'state4')).stderr, /is not a run that this version of Kiln saved/);
});
