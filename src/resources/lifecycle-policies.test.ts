import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { InputOf } from '../contract/operations.ts';
import { openTestStore } from '../state/test-store.ts';
import { testService, token } from './test-service.ts';

type Create = Omit<InputOf<'CreateLifecyclePolicy'>, 'clientToken'>;

const POLICY: Create = {
  name: 'old images',
  executionRole: 'lifecycle',
  status: 'DISABLED',
  resourceType: 'AMI_IMAGE',
  policyDetails: [{ action: { type: 'DEPRECATE' }, filter: { type: 'AGE', value: 6, unit: 'MONTHS' } }],
  resourceSelection: { tagMap: { team: 'web' } },
};

describe('lifecycle policies', () => {
  it('are kept when they are DISABLED, and refused when they would have to be carried out', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const { status: _status, ...enabled } = POLICY;
    await assert.rejects(call.CreateLifecyclePolicy({ ...enabled, ...token() }), {
      name: 'InvalidRequestException',
      message: /carrying out lifecycle policies/,
    });
    const { lifecyclePolicyArn = '' } = await call.CreateLifecyclePolicy({ ...POLICY, ...token() });
    const { name: _name, ...update } = POLICY;
    const containers = { ...update, resourceType: 'CONTAINER_IMAGE' as const, lifecyclePolicyArn };
    const policyDetails = [{ action: { type: 'DELETE' as const }, filter: { type: 'COUNT' as const, value: 3 } }];
    await assert.rejects(call.UpdateLifecyclePolicy({ ...containers, policyDetails, ...token() }), {
      name: 'InvalidParameterCombinationException',
      message: /'resourceType' is not valid\. It cannot change/,
    });
    await call.UpdateLifecyclePolicy({ ...update, policyDetails, lifecyclePolicyArn, ...token() });
    const { lifecyclePolicy } = await call.GetLifecyclePolicy({ lifecyclePolicyArn });
    assert.deepEqual([lifecyclePolicy?.name, lifecyclePolicy?.policyDetails], ['old images', policyDetails]);
  });

  it('are refused with every contradiction of their rules', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const wrong: Create = {
      ...POLICY,
      policyDetails: [
        { action: { type: 'DISABLE', includeResources: { snapshots: true } }, filter: { type: 'COUNT', value: 1 } },
        { action: { type: 'DISABLE' }, filter: { type: 'AGE', value: 1, retainAtLeast: 1 } },
        {
          action: { type: 'DELETE', includeResources: { containers: true } },
          filter: { type: 'COUNT', value: 1, unit: 'DAYS' },
        },
      ],
      resourceSelection: {},
    };
    await assert.rejects(call.CreateLifecyclePolicy({ ...wrong, ...token() }), (error: Error) => {
      const paths = error.message.split('\n').map((line) => /parameter '([^']+)'/.exec(line)?.[1]);
      assert.deepEqual(paths, [
        'policyDetails[0].action.includeResources.snapshots',
        'policyDetails[0].action.includeResources.snapshots',
        'policyDetails[0].filter.type',
        'policyDetails[1].action.type',
        'policyDetails[1].filter.unit',
        'policyDetails[1].filter.retainAtLeast',
        'policyDetails[2].action.includeResources.containers',
        'policyDetails[2].filter.unit',
        'resourceSelection',
      ]);
      return error.name === 'InvalidParameterCombinationException';
    });
    const recipes = [{ name: 'web', semanticVersion: 'x.1.x' }];
    await assert.rejects(call.CreateLifecyclePolicy({ ...POLICY, resourceSelection: { recipes }, ...token() }), {
      name: 'InvalidVersionNumberException',
    });
  });
});
