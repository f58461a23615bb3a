import type { ModuleInput } from './module.ts';

/** An input that file modules and downloads share. */
export const overwrite = {
  type: 'boolean',
  default: true,
  summary: 'False: what exists is an error.',
} as const satisfies ModuleInput;
