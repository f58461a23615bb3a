import { invalidCombination } from './refusals.ts';

const OWN_PREFIX = '/aws/imagebuilder/';

/**
 * Log groups outside of the service's own need the role that may write to them. Source: User Guide, "Monitor Image
 * Builder logs".
 */
export function checkLogGroup(parameter: string, name: string | undefined, executionRole: string | undefined): void {
  if (name === undefined || name.startsWith(OWN_PREFIX) || executionRole !== undefined) return;
  throw invalidCombination(parameter, `A log group outside of '${OWN_PREFIX}' needs an 'executionRole'.`);
}
