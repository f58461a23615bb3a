import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openTestStore } from '../state/test-store.ts';
import { componentData, testService, token } from './test-service.ts';

const COMPONENT = { name: 'nginx', semanticVersion: '1.0.0', platform: 'Linux' as const, data: componentData() };

describe('resource policies', () => {
  it('are answered as they were put, and keep what they share from being deleted', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const { componentBuildVersionArn: arn = '' } = await call.CreateComponent({ ...COMPONENT, ...token() });
    assert.deepEqual(await call.GetComponentPolicy({ componentArn: arn }), {});
    const statement = {
      Effect: 'Allow',
      Principal: { AWS: '999999999999' },
      Action: ['imagebuilder:GetComponent', 'imagebuilder:ListComponents'],
      Resource: arn,
    };
    const policy = JSON.stringify({ Version: '2012-10-17', Statement: statement }, undefined, 2);
    await call.PutComponentPolicy({ componentArn: arn, policy });
    assert.deepEqual(await call.GetComponentPolicy({ componentArn: arn }), { policy });
    await assert.rejects(call.DeleteComponent({ componentBuildVersionArn: arn }), {
      name: 'ResourceDependencyException',
    });
    await call.PutComponentPolicy({ componentArn: arn, policy: '{"Version":"2012-10-17","Statement":[]}' });
    await call.DeleteComponent({ componentBuildVersionArn: arn });
    await assert.rejects(call.GetComponentPolicy({ componentArn: arn }), { name: 'ResourceNotFoundException' });
  });

  it('that could not be enforced are refused with all that is wrong', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const { componentBuildVersionArn: arn = '' } = await call.CreateComponent({ ...COMPONENT, ...token() });
    const statement = {
      Effect: 'Perhaps',
      Principal: '*',
      Action: ['imagebuilder:*', 'imagebuilder:GetComponent'],
      Resource: '*',
    };
    const policy = JSON.stringify({ Version: '2020-01-01', Statement: [statement, 'all'] });
    await assert.rejects(call.PutComponentPolicy({ componentArn: arn, policy }), (error: Error) => {
      for (const part of ['Version', 'Effect', 'Principal', '"imagebuilder:\\*"', 'Resource', 'Statement\\[1\\]']) {
        assert.match(error.message, new RegExp(part));
      }
      return error.name === 'InvalidParameterValueException';
    });
    const allow = {
      ...{ Effect: 'Allow', Principal: { AWS: '123456789013' }, Action: 'imagebuilder:GetComponent', Resource: arn },
      Condition: { StringSounds: { 'aws:PrincipalArn': 'like' } },
    };
    await assert.rejects(
      call.PutComponentPolicy({
        componentArn: arn,
        policy: JSON.stringify({ Version: '2012-10-17', Statement: [allow] }),
      }),
      { name: 'InvalidParameterValueException', message: /StringSounds/ },
    );
    for (const text of ['', 'null', '[]', '{']) {
      await assert.rejects(call.PutComponentPolicy({ componentArn: arn, policy: text }), {
        name: 'InvalidParameterValueException',
      });
    }
  });
});
