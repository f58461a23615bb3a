import { OPERATION_ACCESS } from './operation-access.ts';

/** The names of Image Builder's actions, which are those of its operations. */
export const ACTIONS: readonly string[] = Object.keys(OPERATION_ACCESS);
