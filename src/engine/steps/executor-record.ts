import type { ComponentExecutor } from './run-components.ts';

/** Tags of an image that say how its components were run. */
export const RAN_ON_TAG = 'kiln:ran-on';
export const BOOTED_BECAUSE_TAG = 'kiln:booted-because';

/** Length of a tag's value. Source: API Reference, TagValue. */
const VALUE_LENGTH = 256;

/**
 * The tags for an image whose components ran like this: `direct`, `vm`, or `direct, vm` when the disk was booted in between,
 * and why the first that ran on a machine did.
 */
export function executorTags(executors: readonly ComponentExecutor[]): Readonly<Record<string, string>> {
  const ranOn = [...new Set(executors.map(({ executor }) => executor))].join(', ');
  const reason = executors.find(({ executor }) => executor === 'vm')?.reason;
  return {
    ...(ranOn === '' ? {} : { [RAN_ON_TAG]: ranOn }),
    ...(reason === undefined ? {} : { [BOOTED_BECAUSE_TAG]: tagValue(reason) }),
  };
}

/** A reason may hold what a component printed. */
function tagValue(text: string): string {
  const plain = text.replace(/[\p{C}\s]+/gu, ' ');
  return plain.length <= VALUE_LENGTH ? plain : `${plain.slice(0, VALUE_LENGTH - 3)}...`;
}
