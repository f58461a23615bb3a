import { InvalidDocumentError } from '../util/problem.ts';
import { ChangedUnderSameVersion } from './changed-under-same-version.ts';
import { propertyOf } from './encode-properties.ts';
import { RESOURCE_TYPES } from './resource-types.ts';
import { isRefusal } from './service-call.ts';
import { type PlannedResource, placeOf } from './template-plan.ts';

/** Refusals that speak of the caller or of the moment, not of what the template says. */
const NOT_OF_THE_TEMPLATE = new Set([
  'AccessDeniedException',
  'CallRateLimitExceededException',
  'ForbiddenException',
  'IdempotentParameterMismatchException',
  'TooManyRequestsException',
]);

const MODELLED = /^(?:Client|Invalid|Resource|ServiceQuota)[A-Za-z]*Exception$/;

/** Gives the service's refusal of a definition a place in the template; any other error as it is. */
export function explainRefusal(error: unknown, file: string, resource: PlannedResource): unknown {
  if (error instanceof ChangedUnderSameVersion) return changedUnderSameVersion(error, file, resource);
  if (!(error instanceof Error) || !isRefusal(error, error.name)) return error;
  if (NOT_OF_THE_TEMPLATE.has(error.name) || !MODELLED.test(error.name)) return error;
  const path = /parameter '([^']+)'/.exec(error.message)?.[1] ?? '';
  const message = `${error.name}: ${error.message}`;
  return new InvalidDocumentError([{ file, position: placeOf(path, resource), message }]);
}

function changedUnderSameVersion(
  error: ChangedUnderSameVersion,
  file: string,
  resource: PlannedResource,
): InvalidDocumentError {
  const renamed: Readonly<Record<string, string>> = RESOURCE_TYPES[resource.type].renamed;
  const changed = error.differences.map((member) => renamed[member] ?? propertyOf(member));
  const what = changed.length === 0 ? 'It was changed' : `Changed: ${changed.join(', ')}`;
  const follow = changed.includes('Components')
    ? '; a recipe that names a component by !GetAtt NAME.LatestVersion.Patch follows its new builds without that'
    : '';
  return new InvalidDocumentError([
    {
      file,
      position: placeOf('semanticVersion', resource),
      message: `${error.name}: ${error.message}`,
      hint: `${what}. Raise Version${follow}`,
    },
  ]);
}
