import { notYet } from '../contract/errors.ts';
import type { InputOf, OutputOf, Partly } from '../contract/operations.ts';
import { bySeq, type ListedDefinition, summaryOf } from './definition-lists.ts';
import { described, findDefinition } from './definitions.ts';
import { deleteDefinition } from './deletion.ts';
import { changeOnce } from './idempotency.ts';
import { checkPolicyRules } from './lifecycle-rules.ts';
import { byValue, type Filters, listPage } from './lists.ts';
import { createNamed, updateNamed } from './named-definitions.ts';
import { invalidCombination } from './refusals.ts';
import { RequestProblems } from './request-problems.ts';
import type { CheckContext, Service } from './service.ts';

const KIND = 'lifecycle-policy';

/** Checked and kept whole, but only DISABLED: nothing carries policies out yet. */
export async function createLifecyclePolicy(
  service: Service,
  input: InputOf<'CreateLifecyclePolicy'>,
): Promise<OutputOf<'CreateLifecyclePolicy'>> {
  const problems = new RequestProblems();
  checkPolicy(service, input, problems);
  problems.throwIfAny();
  return changeOnce(service, 'CreateLifecyclePolicy', input, async (trx) => ({
    lifecyclePolicyArn: await createNamed(service, trx, KIND, input, settings(input)),
  }));
}

/** Replaces everything but name, resource type, creation date and tags. */
export async function updateLifecyclePolicy(
  service: Service,
  input: InputOf<'UpdateLifecyclePolicy'>,
): Promise<OutputOf<'UpdateLifecyclePolicy'>> {
  const problems = new RequestProblems();
  checkPolicy(service, input, problems);
  return changeOnce(service, 'UpdateLifecyclePolicy', input, async (trx) => {
    const { lifecyclePolicyArn: arn, resourceType } = input;
    const at = { arn, parameter: 'lifecyclePolicyArn' };
    const check = ({ resourceType: kept }: Readonly<Record<string, unknown>>): void => {
      if (kept === resourceType) return;
      throw invalidCombination('resourceType', `It cannot change; the policy is for ${kept}.`);
    };
    await problems.collect(() => updateNamed(service, trx, KIND, at, settings(input), check));
    problems.throwIfAny();
    return { lifecyclePolicyArn: arn };
  });
}

/** Reports what is wrong with a request to create or update. */
export function checkPolicy(
  _context: CheckContext,
  input: Partly<InputOf<'CreateLifecyclePolicy'> | InputOf<'UpdateLifecyclePolicy'>>,
  problems: RequestProblems,
): void {
  checkPolicyRules(input, problems);
  // ENABLED is also what a policy is when its status is left out.
  if (input.status !== 'DISABLED') {
    const what =
      "carrying out lifecycle policies (they can be kept with 'status' DISABLED; this one is ENABLED, the default)";
    problems.add(notYet(what, ['status']));
  }
}

function settings(input: InputOf<'CreateLifecyclePolicy'> | InputOf<'UpdateLifecyclePolicy'>) {
  return {
    description: input.description,
    status: 'DISABLED',
    executionRole: input.executionRole,
    resourceType: input.resourceType,
    policyDetails: input.policyDetails,
    resourceSelection: input.resourceSelection,
  };
}

export async function getLifecyclePolicy(
  service: Service,
  { lifecyclePolicyArn }: InputOf<'GetLifecyclePolicy'>,
): Promise<OutputOf<'GetLifecyclePolicy'>> {
  return {
    lifecyclePolicy: described(await findDefinition(service.db, KIND, lifecyclePolicyArn, 'lifecyclePolicyArn')),
  };
}

export const POLICY_FILTERS: Filters<ListedDefinition> = {
  name: byValue((row) => row.name),
  resourceType: byValue((row) => row.document['resourceType']),
  status: byValue((row) => row.document['status']),
};

export async function listLifecyclePolicies(
  service: Service,
  input: InputOf<'ListLifecyclePolicies'>,
): Promise<OutputOf<'ListLifecyclePolicies'>> {
  const members = ['name', 'description', 'status', 'executionRole', 'resourceType', 'dateCreated', 'dateUpdated'];
  const { items, ...next } = await listPage(service, input, {
    operation: 'ListLifecyclePolicies',
    filters: POLICY_FILTERS,
    ...bySeq(service, KIND),
    item: (row) => ({ arn: row.arn, ...summaryOf(row, members), tags: row.tags }),
  });
  return { lifecyclePolicySummaryList: items, ...next };
}

export async function deleteLifecyclePolicy(
  service: Service,
  { lifecyclePolicyArn }: InputOf<'DeleteLifecyclePolicy'>,
): Promise<OutputOf<'DeleteLifecyclePolicy'>> {
  await deleteDefinition(service, KIND, lifecyclePolicyArn, 'lifecyclePolicyArn');
  return { lifecyclePolicyArn };
}
