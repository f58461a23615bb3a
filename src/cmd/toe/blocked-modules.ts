import { ACTION_MODULES } from '../../documents/action-modules/index.ts';
import type { ComponentDocument } from '../../documents/component.ts';
import { didYouMean, type Problem } from '../../util/problem.ts';
import { UsageError } from '../command.ts';
import type { DocumentSource } from './documents.ts';

/** @throws UsageError for a name that is no action module: blocking a typo would block nothing. */
export function checkModuleNames(names: readonly string[]): void {
  for (const name of names) {
    if (Object.hasOwn(ACTION_MODULES, name)) continue;
    const near = didYouMean(name, Object.keys(ACTION_MODULES));
    const hint = near === undefined ? '' : `; did you mean ${near}?`;
    throw new UsageError(`--blocked-action-modules: there is no action module ${name}${hint}`);
  }
}

/** A problem for every step that uses a module that the caller blocked. */
export function blockedSteps(
  sources: readonly DocumentSource[],
  documents: readonly (ComponentDocument | undefined)[],
  blocked: readonly string[],
): readonly Problem[] {
  return documents.flatMap((document, index) =>
    (document?.phases ?? []).flatMap(({ steps }) =>
      steps
        .filter(({ action }) => blocked.includes(action))
        .map(({ name, action, position }) => ({
          file: sources[index]?.id ?? '',
          position,
          message: `The step '${name}' uses ${action}, which is blocked here.`,
          hint: 'by --blocked-action-modules',
        })),
    ),
  );
}
