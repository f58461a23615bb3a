import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { evaluate, mentions } from './evaluate.ts';
import { parsePolicy } from './parse-policy.ts';

const ARN = 'arn:aws:imagebuilder:us-east-1:123456789012:component/web/1.0.0/1';

function decide(
  statements: readonly object[],
  request: { action?: string; resource?: string; principal?: string; context?: Record<string, string | string[]> } = {},
  kind: 'identity' | 'endpoint' = 'identity',
) {
  const policy = parsePolicy(JSON.stringify({ Version: '2012-10-17', Statement: statements }), 'policy.json', kind);
  const context = Object.entries(request.context ?? {}).map(
    ([key, value]) => [key.toLowerCase(), [value].flat()] as const,
  );
  return evaluate(policy, {
    action: request.action ?? 'imagebuilder:GetComponent',
    resource: request.resource ?? ARN,
    principalArn: request.principal ?? 'arn:aws:iam::123456789012:user/eve',
    principalAccount: '123456789012',
    context: new Map(context),
  });
}

const allow = { Effect: 'Allow', Action: '*', Resource: '*' };

describe('a policy', () => {
  it('denies what no statement allows', () => {
    const get = { Effect: 'Allow', Action: 'imagebuilder:Get*', Resource: '*' };
    assert.equal(decide([get]), 'allowed');
    assert.equal(decide([get], { action: 'imagebuilder:DeleteComponent' }), 'implicitly denied');
  });

  it('denies what a statement denies, whatever the others allow', () => {
    const deny = { Effect: 'Deny', Action: 'imagebuilder:Delete*', Resource: '*' };
    assert.equal(decide([allow, deny], { action: 'imagebuilder:DeleteComponent' }), 'explicitly denied');
    assert.equal(decide([deny, allow]), 'allowed');
  });

  it('takes actions in any case, and resources as they are', () => {
    assert.equal(decide([{ Effect: 'Allow', Action: 'IMAGEBUILDER:getcomponent', Resource: ARN }]), 'allowed');
    assert.equal(decide([{ Effect: 'Allow', Action: '*', Resource: ARN.replace('web', 'WEB') }]), 'implicitly denied');
  });

  it('takes NotAction and NotResource', () => {
    const others = { Effect: 'Allow', NotAction: ['imagebuilder:Delete*', 'iam:*'], Resource: '*' };
    assert.equal(decide([others]), 'allowed');
    assert.equal(decide([others], { action: 'iam:PassRole' }), 'implicitly denied');
    const elsewhere = { Effect: 'Deny', Action: '*', NotResource: 'arn:aws:imagebuilder:*:*:component/web/*' };
    assert.equal(decide([allow, elsewhere]), 'allowed');
    assert.equal(decide([allow, elsewhere], { resource: ARN.replace('web', 'db') }), 'explicitly denied');
  });

  it('allows what has no resource only for all of them', () => {
    const request = { action: 'imagebuilder:ListImages', resource: '*' };
    assert.equal(decide([{ ...allow, Resource: ARN }], request), 'implicitly denied');
    assert.equal(decide([allow], request), 'allowed');
  });

  it('takes variables in resources', () => {
    const own = { ...allow, Resource: 'arn:aws:imagebuilder:*:*:component/${aws:username}-*' };
    const resource = ARN.replace('web', 'eve-web');
    assert.equal(decide([own], { resource, context: { 'aws:username': 'eve' } }), 'allowed');
    assert.equal(decide([own], { resource, context: { 'aws:username': 'bob' } }), 'implicitly denied');
    assert.equal(decide([own], { resource }), 'implicitly denied');
  });

  it('of an endpoint names whom it is for', () => {
    const eve = { ...allow, Principal: { AWS: ['arn:aws:iam::123456789012:user/eve'] } };
    assert.equal(decide([eve], {}, 'endpoint'), 'allowed');
    assert.equal(decide([eve], { principal: 'arn:aws:iam::123456789012:user/bob' }, 'endpoint'), 'implicitly denied');
    for (const principal of ['*', { AWS: '*' }, { AWS: '123456789012' }, { AWS: 'arn:aws:iam::123456789012:root' }]) {
      assert.equal(decide([{ ...allow, Principal: principal }], {}, 'endpoint'), 'allowed');
    }
    assert.equal(decide([{ ...allow, Principal: { AWS: '210987654321' } }], {}, 'endpoint'), 'implicitly denied');
    const deny = { Effect: 'Deny', NotPrincipal: eve.Principal, Action: '*', Resource: '*' };
    assert.equal(decide([{ ...allow, Principal: '*' }, deny], {}, 'endpoint'), 'allowed');
  });

  it('says which keys it asks for', () => {
    const condition = { StringEquals: { 'aws:ResourceTag/team': 'web' } };
    const text = JSON.stringify({ Statement: { ...allow, Condition: condition } });
    const policy = parsePolicy(text, 'policy.json', 'identity');
    assert.ok(mentions(policy, 'aws:ResourceTag/'));
    assert.ok(!mentions(policy, 'aws:RequestTag/'));
  });
});

describe('a condition', () => {
  const holds = (condition: object, context: Record<string, string | string[]> = {}) =>
    decide([{ ...allow, Condition: condition }], { context }) === 'allowed';

  it('compares texts', () => {
    assert.ok(holds({ StringEquals: { 'aws:username': ['bob', 'eve'] } }, { 'aws:username': 'eve' }));
    assert.ok(!holds({ StringEquals: { 'aws:username': 'e*' } }, { 'aws:username': 'eve' }));
    assert.ok(holds({ StringLike: { 'AWS:UserName': 'e*' } }, { 'aws:username': 'eve' }));
    assert.ok(holds({ StringEqualsIgnoreCase: { 'aws:username': 'EVE' } }, { 'aws:username': 'eve' }));
    assert.ok(!holds({ StringNotEquals: { 'aws:username': ['bob', 'eve'] } }, { 'aws:username': 'eve' }));
    assert.ok(!holds({ StringNotLike: { 'aws:username': 'e*' } }, { 'aws:username': 'eve' }));
    assert.ok(holds({ StringEquals: { 'aws:userid': '${aws:username}' } }, { 'aws:userid': 'x', 'aws:username': 'x' }));
  });

  it('compares numbers, times, truth and addresses', () => {
    assert.ok(holds({ NumericLessThan: { 'aws:EpochTime': '100' } }, { 'aws:EpochTime': '99' }));
    assert.ok(!holds({ NumericGreaterThanEquals: { 'aws:EpochTime': 100 } }, { 'aws:EpochTime': '99' }));
    const now = { 'aws:CurrentTime': '2026-11-23T04:00:00Z' };
    assert.ok(holds({ DateLessThan: { 'aws:CurrentTime': '2026-12-01T00:00:00Z' } }, now));
    assert.ok(!holds({ DateLessThan: { 'aws:CurrentTime': '2026-11-01T00:00:00Z' } }, now));
    assert.ok(holds({ Bool: { 'aws:SecureTransport': true } }, { 'aws:SecureTransport': 'true' }));
    const address = { 'aws:SourceIp': '10.1.2.3' };
    assert.ok(holds({ IpAddress: { 'aws:SourceIp': ['192.168.0.0/16', '10.0.0.0/8'] } }, address));
    assert.ok(!holds({ NotIpAddress: { 'aws:SourceIp': '10.0.0.0/8' } }, address));
    assert.ok(!holds({ IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } }, { 'aws:SourceIp': 'fe80::1' }));
    const topic = { 'imagebuilder:StatusTopicArn': 'arn:aws:sns:us-east-1:123456789012:builds' };
    assert.ok(holds({ ArnLike: { 'imagebuilder:StatusTopicArn': 'arn:aws:sns:*:123456789012:*' } }, topic));
    assert.ok(!holds({ ArnNotEquals: { 'imagebuilder:StatusTopicArn': 'arn:aws:sns:*:123456789012:*' } }, topic));
  });

  it('on a key that the request does not have fails, unless it is negated or asks IfExists', () => {
    assert.ok(!holds({ StringEquals: { 'aws:RequestTag/team': 'web' } }));
    assert.ok(holds({ StringNotEquals: { 'aws:RequestTag/team': 'web' } }));
    assert.ok(holds({ StringEqualsIfExists: { 'aws:RequestTag/team': 'web' } }));
    assert.ok(!holds({ StringEqualsIfExists: { 'aws:RequestTag/team': 'web' } }, { 'aws:RequestTag/team': 'db' }));
    assert.ok(holds({ Null: { 'aws:RequestTag/team': true } }));
    assert.ok(!holds({ Null: { 'aws:RequestTag/team': 'false' } }));
  });

  it('on several values asks for all or any of them', () => {
    const keys = { 'aws:TagKeys': ['team', 'stage'] };
    assert.ok(holds({ 'ForAllValues:StringEquals': { 'aws:TagKeys': ['team', 'stage', 'cost'] } }, keys));
    assert.ok(!holds({ 'ForAllValues:StringEquals': { 'aws:TagKeys': 'team' } }, keys));
    assert.ok(holds({ 'ForAnyValue:StringEquals': { 'aws:TagKeys': 'team' } }, keys));
    assert.ok(!holds({ 'ForAnyValue:StringEquals': { 'aws:TagKeys': 'cost' } }, keys));
    assert.ok(holds({ 'ForAllValues:StringEquals': { 'aws:TagKeys': 'team' } }), 'no values are all of them');
    assert.ok(!holds({ 'ForAnyValue:StringEquals': { 'aws:TagKeys': 'team' } }));
    assert.ok(!holds({ 'ForAnyValue:StringNotEquals': { 'aws:TagKeys': 'team' } }));
    assert.ok(!holds({ StringNotEquals: { 'aws:TagKeys': 'team' } }, keys));
  });

  it('must hold with all others', () => {
    const condition = {
      StringEquals: { 'aws:username': 'eve', 'aws:userid': 'x' },
      Bool: { 'aws:SecureTransport': 'true' },
    };
    const context = { 'aws:username': 'eve', 'aws:userid': 'x', 'aws:SecureTransport': 'true' };
    assert.ok(holds(condition, context));
    for (const key of Object.keys(context)) assert.ok(!holds(condition, { ...context, [key]: 'other' }), key);
  });
});
