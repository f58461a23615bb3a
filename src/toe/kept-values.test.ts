import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeptValues } from './kept-values.ts';

const MIB = 1024 * 1024;
const record = (text: string) => ({
  inputs: [{ commands: [text] }],
  outputs: { stdout: text },
  incomplete: new Set<string>(),
});

test('short values are kept always, long ones until there are 8 Mi characters of them', () => {
  const kept = new KeptValues();
  const long = 'x'.repeat(MIB);
  for (let count = 0; count < 4; count++) assert.deepEqual(kept.keep(record(long)), record(long));
  const beyond = kept.keep(record(long));
  assert.deepEqual(beyond.outputs, { stdout: `[… ${MIB} characters left out …]` });
  assert.deepEqual(beyond.inputs, [{ commands: [`[… ${MIB} characters left out …]`] }]);
  assert.deepEqual([[...beyond.incomplete], beyond.inputsGone], [['stdout'], true]);
  assert.deepEqual(kept.keep(record('short')), record('short'));
});
