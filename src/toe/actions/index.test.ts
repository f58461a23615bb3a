import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ACTION_MODULES } from '../../documents/action-modules/index.ts';
import { ACTIONS } from './index.ts';

test('all modules of the tables can be run, each under its own name', () => {
  assert.deepEqual(Object.keys(ACTIONS).toSorted(), Object.keys(ACTION_MODULES).toSorted());
  for (const [name, action] of Object.entries(ACTIONS)) assert.equal(action?.module.name, name);
});
