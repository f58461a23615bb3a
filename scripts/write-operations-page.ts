/** Writes docs/operations.md from the tables of the service. */
import { writeFile } from 'node:fs/promises';
import { readModel } from '../src/contract/model.ts';
import { operationsPage } from '../src/resources/operations-page.ts';

await writeFile(new URL('../docs/operations.md', import.meta.url), operationsPage(readModel()));
