import { invalidCombination } from './refusals.ts';
import type { RequestProblems } from './request-problems.ts';

const OWN_PREFIX = '/aws/imagebuilder/';

/**
 * Reports one without its role: log groups outside of the service's own need the role that may write to them. Source: User Guide, "Monitor Image
 * Builder logs".
 */
export function checkLogGroup(
  parameter: string,
  name: string | undefined,
  executionRole: string | undefined,
  problems: RequestProblems,
): void {
  if (name === undefined || name.startsWith(OWN_PREFIX) || executionRole !== undefined) return;
  const reason = `A log group outside of '${OWN_PREFIX}' needs an 'executionRole'.`;
  problems.add(invalidCombination(parameter, reason, ['executionRole']));
}
