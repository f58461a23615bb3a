import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findDifferences } from './same-content.ts';

const DEFAULTS = {
  absent: { status: 'ENABLED', tests: { enabled: true, minutes: 720 } },
  within: { tests: { enabled: true, minutes: 720 }, schedule: { timezone: 'UTC' } },
};
const MEMBERS = ['description', 'list', 'map', 'status', 'tests', 'schedule'];

const SAME: readonly (readonly [wanted: object, existing: object])[] = [
  [{}, { status: 'ENABLED', tests: { minutes: 720, enabled: true } }],
  [{ list: [], map: {} }, {}],
  [{ map: { a: 1, b: { c: 2 } } }, { map: { b: { c: 2 }, a: 1 } }],
  [{ tests: { enabled: true } }, { tests: { enabled: true, minutes: 720 } }],
  [{ schedule: { expression: 'x' } }, { schedule: { expression: 'x', timezone: 'UTC' } }],
  [{}, { dateCreated: 'today' }],
];
for (const [wanted, existing] of SAME) {
  test(`${JSON.stringify(wanted)} is what ${JSON.stringify(existing)} is`, () => {
    assert.deepEqual(findDifferences({ ...wanted }, { ...existing }, MEMBERS, DEFAULTS), []);
  });
}

const DIFFERENT: readonly (readonly [wanted: object, existing: object, members: string[]])[] = [
  [{ description: 'a' }, {}, ['description']],
  [{}, { description: 'a' }, ['description']],
  [{ list: ['a', 'b'] }, { list: ['b', 'a'] }, ['list']],
  [{}, { status: 'DISABLED' }, ['status']],
  [{ tests: { enabled: false } }, {}, ['tests']],
  [{}, { schedule: { expression: 'x', timezone: 'UTC' } }, ['schedule']],
  [{ schedule: { expression: 'x' } }, { schedule: { expression: 'x', timezone: 'Europe/Berlin' } }, ['schedule']],
];
for (const [wanted, existing, members] of DIFFERENT) {
  test(`${JSON.stringify(wanted)} is not ${JSON.stringify(existing)}`, () => {
    assert.deepEqual(findDifferences({ ...wanted }, { ...existing }, MEMBERS, DEFAULTS), members);
  });
}
