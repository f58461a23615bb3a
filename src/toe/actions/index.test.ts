import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ACTION_MODULES } from '../../documents/action-modules/index.ts';
import { ACTIONS } from './index.ts';

test('what the tables call supported is what can be run, each under its own name', () => {
  const supported = Object.values(ACTION_MODULES).filter((module) => module.supported);
  assert.deepEqual(Object.keys(ACTIONS).toSorted(), supported.map((module) => module.name).toSorted());
  for (const [name, action] of Object.entries(ACTIONS)) assert.equal(action?.module.name, name);
});
