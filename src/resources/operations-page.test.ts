import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { it } from 'node:test';
import { readModel } from '../contract/model.ts';
import { operationsPage } from './operations-page.ts';

it('the page about operations says what the tables say (npm run docs)', async () => {
  const page = await readFile(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  assert.equal(page, operationsPage(readModel()));
});
