import type { Migration } from 'kysely/migration';
import { firstTables } from './0001-first-tables.ts';
import { policiesAndLifecycle } from './0002-policies-and-lifecycle.ts';
import { sharing } from './0003-sharing.ts';
import { customWorkflows } from './0005-custom-workflows.ts';
import { resolvedDefinitions } from './0006-resolved-definitions.ts';
import { pipelineSchedules } from './0007-pipeline-schedules.ts';
import { outbox } from './0008-outbox.ts';
import { positions } from './0009-positions.ts';
import { workers } from './0010-workers.ts';
import { predecessors } from './0011-predecessors.ts';
import { failuresOfSteps } from './0012-failures-of-steps.ts';

/**
 * Every migration, oldest first. Append only: one that was released is never changed, moved or taken out, because
 * databases remember it by its name.
 */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-first-tables': firstTables,
  '0002-policies-and-lifecycle': policiesAndLifecycle,
  '0003-sharing': sharing,
  '0005-custom-workflows': customWorkflows,
  '0006-resolved-definitions': resolvedDefinitions,
  '0007-pipeline-schedules': pipelineSchedules,
  '0008-outbox': outbox,
  '0009-positions': positions,
  '0010-workers': workers,
  '0011-predecessors': predecessors,
  '0012-failures-of-steps': failuresOfSteps,
};
