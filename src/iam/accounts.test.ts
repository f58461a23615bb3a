import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readModel } from '../contract/model.ts';
import type { OperationModel, Shape } from '../contract/model.types.ts';
import { accessChecks } from './access-checks.ts';
import { createAuthoriser, type Subject } from './authorise.ts';
import { accountsAllowedBy, isShareable, parseResourcePolicy } from './sharing.ts';

const OWN = '123456789012';
const place = { accountId: OWN, region: 'us-east-1' };
const THEIRS = 'arn:aws:imagebuilder:us-east-1:999999999999:';
const ARNS = [
  ...['component', 'image'].flatMap((kind) => [`${kind}/x/1.0.0`, `${kind}/x/x.x.x`, `${kind}/x/1.0.0/1`]),
  ...['image-recipe', 'container-recipe'].map((kind) => `${kind}/x/1.0.0`),
  ...['infrastructure-configuration', 'distribution-configuration', 'image-pipeline', 'lifecycle-policy'].map(
    (kind) => `${kind}/x`,
  ),
  ...['workflow/build/x/1.0.0', 'workflow/build/x/1.0.0/1'],
].map((rest) => THEIRS + rest);

/** Members that take an ARN among other things, so that no pattern tells of them. */
const FREE_TEXT: readonly string[] = ['parentImage', 'sourceImage', 'ListLifecycleExecutions.resourceArn'];
/** ARNs that name no resource to act on: compared with what an execution of the account has. */
const COMPARED: readonly string[] = ['ListLifecycleExecutionResources.parentResourceId'];

interface Request {
  readonly path: string;
  readonly arn: string;
  readonly input: Record<string, unknown>;
}

/** Requests with the ARN of another account in one member each. */
function requestsOf({ name, input }: OperationModel): Request[] {
  const visit = (shape: Shape, path: string, wrap: (value: unknown) => Record<string, unknown>): Request[] => {
    if (shape.kind === 'structure') {
      return [...shape.members.values()].flatMap((member) => {
        const memberPath = path === '' ? member.name : `${path}.${member.name}`;
        return visit(member.shape, memberPath, (value) => wrap({ [member.name]: value }));
      });
    }
    if (shape.kind === 'list') return visit(shape.element, `${path}[]`, (value) => wrap([value]));
    if (shape.kind !== 'string' || COMPARED.includes(`${name}.${path}`)) return [];
    const { pattern } = shape;
    const isFree = FREE_TEXT.includes(path) || FREE_TEXT.includes(`${name}.${path}`);
    if (pattern?.text.includes(':imagebuilder:') !== true && !isFree) return [];
    const arn = ARNS.find((one) => pattern?.expression.test(one) ?? one.includes('image/x/1.0.0/1'));
    return arn === undefined ? [] : [{ path, arn, input: wrap(arn) }];
  };
  return visit(input, '', (value) => value as Record<string, unknown>);
}

const authorise = createAuthoriser({ findTags: async () => undefined });
const root: Subject = {
  principalArn: `arn:aws:iam::${OWN}:root`,
  accountId: OWN,
  policy: undefined,
  endpointPolicy: undefined,
  context: new Map(),
};

describe('resources of another account', () => {
  for (const operation of readModel()) {
    for (const { path, arn, input } of requestsOf(operation)) {
      it(`are not reached by ${operation.name} ${path}`, async () => {
        const checks = accessChecks(operation.name, input, place);
        const naming = checks.filter(({ resource }) => resource === arn || resource === `${arn}/*`);
        assert.notEqual(naming.length, 0, 'the ARN is not checked at all');
        if (naming.every(({ action }) => isShareable(action))) {
          // The policy of the resource decides, where it is looked up: resources/sharing.test.ts.
          assert.match(operation.name, /^(?:Get(?:Component|Image|ImageRecipe|ContainerRecipe)|Create\w+|Update\w+)$/);
          await authorise(root, checks);
          return;
        }
        await assert.rejects(authorise(root, checks), {
          name: 'AccessDeniedException',
          message: /^User: arn:aws:iam::123456789012:root is not authorized .* no resource-based policy allows/,
        });
      });
    }
  }

  it('are never roles to pass', async () => {
    const executionRole = 'arn:aws:iam::999999999999:role/builder';
    const checks = accessChecks('CreateLifecyclePolicy', { name: 'x', executionRole }, place);
    await assert.rejects(authorise(root, checks), {
      name: 'AccessDeniedException',
      message: /Cross-account pass role/,
    });
  });

  it('need the policy of the caller as well', async () => {
    const checks = accessChecks('GetImage', { imageBuildVersionArn: `${THEIRS}image/x/1.0.0/1` }, place);
    const policy = parseResourcePolicy('{"Version":"2012-10-17","Statement":[]}'.replace('[]', DENY_ALL));
    await assert.rejects(authorise({ ...root, policy }, checks), {
      message: /explicit deny in an identity-based policy/,
    });
  });
});

const DENY_ALL = '[{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}]';

it('a policy shares with the accounts that its Allow statements name, each once', () => {
  const statement = (Effect: string, AWS: readonly string[]) => ({
    Effect,
    Principal: { AWS },
    Action: '*',
    Resource: '*',
  });
  const policy = parseResourcePolicy(
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        statement('Allow', ['111111111111', 'arn:aws:iam::111111111111:user/a', 'arn:aws:iam::222222222222:root']),
        statement('Deny', ['333333333333']),
      ],
    }),
  );
  assert.deepEqual(accountsAllowedBy(policy), ['111111111111', '222222222222']);
});
