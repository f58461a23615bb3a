/** What the rules of a lifecycle policy may say. Source: User Guide, "How lifecycle management rules work". */
import type { LifecyclePolicyDetail, LifecyclePolicyResourceSelection } from '@aws-sdk/client-imagebuilder';
import type { Partly, Validated } from '../contract/operations.ts';
import { isSelectable } from '../contract/version.ts';
import { invalidCombination, invalidVersion } from './refusals.ts';
import type { RequestProblems } from './request-problems.ts';

export interface PolicyRules {
  readonly resourceType: 'AMI_IMAGE' | 'CONTAINER_IMAGE';
  readonly policyDetails: readonly Validated<LifecyclePolicyDetail>[];
  readonly resourceSelection: Validated<LifecyclePolicyResourceSelection>;
}

/** Reports every contradiction. */
export function checkPolicyRules(
  { resourceType, policyDetails = [], resourceSelection }: Partly<PolicyRules>,
  problems: RequestProblems,
): void {
  const report = (path: string, reason: string): void => problems.add(invalidCombination(path, reason));
  const actions = new Set<string>();
  for (const [index, detail] of policyDetails.entries()) {
    if (problems.isFull) return;
    if (detail === undefined) continue;
    const path = `policyDetails[${index}]`;
    const type = detail.action?.type;
    if (type !== undefined && actions.has(type)) {
      report(`${path}.action.type`, `There is another rule for ${type}; each action may have one.`);
    }
    if (type !== undefined) actions.add(type);
    checkAction(detail, resourceType, path, report);
    checkFilter(detail, path, report);
    if (detail.exclusionRules?.amis !== undefined && resourceType === 'CONTAINER_IMAGE') {
      report(`${path}.exclusionRules.amis`, 'Only policies for AMI_IMAGE exclude AMIs.');
    }
  }
  if (resourceSelection === undefined) return;
  const { recipes, tagMap } = resourceSelection;
  if ((recipes === undefined) === (tagMap === undefined)) {
    report('resourceSelection', "Exactly one of 'recipes' and 'tagMap' must be given.");
  }
  for (const [index, recipe] of (recipes ?? []).entries()) {
    if (problems.isFull) return;
    if (recipe?.semanticVersion === undefined || isSelectable(recipe.semanticVersion)) continue;
    const path = `resourceSelection.recipes[${index}].semanticVersion`;
    problems.add(invalidVersion(path, 'Every node to the right of an x must be x too.'));
  }
}

type Report = (path: string, reason: string) => void;

function checkAction(
  { action }: Partly<LifecyclePolicyDetail>,
  resourceType: PolicyRules['resourceType'] | undefined,
  path: string,
  report: Report,
): void {
  const { type, includeResources: { amis = false, snapshots = false, containers = false } = {} } = action ?? {};
  const included = `${path}.action.includeResources`;
  if (resourceType === 'CONTAINER_IMAGE') {
    if (type !== undefined && type !== 'DELETE')
      report(`${path}.action.type`, `Container images can only be deleted, not ${type}.`);
    if (amis || snapshots) report(included, 'Container images have no AMIs or snapshots.');
    return;
  }
  if (resourceType === undefined || type === undefined) return;
  if (containers) report(`${included}.containers`, 'Policies for AMI_IMAGE have no containers.');
  if (snapshots && type !== 'DELETE') report(`${included}.snapshots`, 'Only DELETE includes snapshots.');
  if (snapshots && !amis) report(`${included}.snapshots`, 'Snapshots can only be deleted together with their AMIs.');
}

function checkFilter({ action, filter }: Partly<LifecyclePolicyDetail>, path: string, report: Report): void {
  const { type, unit, retainAtLeast } = filter ?? {};
  if (action?.type === undefined || type === undefined) return;
  if (type === 'COUNT' && action.type !== 'DELETE') report(`${path}.filter.type`, 'COUNT is only for DELETE.');
  if (type === 'AGE' && unit === undefined) report(`${path}.filter.unit`, 'It is required for AGE.');
  if (type === 'COUNT' && unit !== undefined) report(`${path}.filter.unit`, 'It is only for AGE.');
  if (retainAtLeast !== undefined && (type !== 'AGE' || action.type !== 'DELETE')) {
    report(`${path}.filter.retainAtLeast`, 'It is only for DELETE by AGE.');
  }
}
