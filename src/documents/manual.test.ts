import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { actionModulesPage, workflowActionsPage } from './manual.ts';

const page = (name: string): string => readFileSync(join(import.meta.dirname, '..', '..', 'docs', name), 'utf8');

test('the manual of action modules is what the tables say: npm run docs writes it', () => {
  assert.equal(page('action-modules.md'), actionModulesPage());
});

test('the manual of workflow actions is what the tables say: npm run docs writes it', () => {
  assert.equal(page('workflow-actions.md'), workflowActionsPage());
});
