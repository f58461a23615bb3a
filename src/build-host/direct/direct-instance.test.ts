import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noteOfUnbounded } from './direct-instance.ts';

test('what a host does not bound is said in words; one that bounds everything says nothing', () => {
  assert.equal(noteOfUnbounded([]), undefined);
  assert.equal(
    noteOfUnbounded(['processes', 'processors']),
    'This host has no control groups for it: components are not bounded together in the number of their processes, ' +
      'processor time',
  );
});
