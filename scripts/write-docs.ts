/** `npm run docs`: writes the pages of the manual that come from tables. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readModel } from '../src/contract/model.ts';
import { actionModulesPage, workflowActionsPage } from '../src/documents/manual.ts';
import { operationsPage } from '../src/resources/operations-page.ts';

const docs = join(import.meta.dirname, '..', 'docs');
writeFileSync(join(docs, 'action-modules.md'), actionModulesPage());
writeFileSync(join(docs, 'workflow-actions.md'), workflowActionsPage());
writeFileSync(join(docs, 'operations.md'), operationsPage(readModel()));
