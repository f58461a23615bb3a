/** `npm run docs`: writes the pages of the manual that come from tables. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { actionModulesPage, workflowActionsPage } from '../src/documents/manual.ts';

const docs = join(import.meta.dirname, '..', 'docs');
writeFileSync(join(docs, 'action-modules.md'), actionModulesPage());
writeFileSync(join(docs, 'workflow-actions.md'), workflowActionsPage());
