import { commandModules } from './commands.ts';
import { fileModules } from './files.ts';
import type { ActionModule } from './module.ts';
import { systemModules } from './system.ts';
import { transferModules } from './transfer.ts';

/** All 30 action modules that AWSTOE has. */
export const ACTION_MODULES = { ...commandModules, ...fileModules, ...systemModules, ...transferModules };

export type ActionName = keyof typeof ACTION_MODULES;

export function findActionModule(name: string): ActionModule | undefined {
  return Object.hasOwn(ACTION_MODULES, name) ? ACTION_MODULES[name as ActionName] : undefined;
}
