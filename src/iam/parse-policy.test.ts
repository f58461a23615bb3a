import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InvalidDocumentError } from '../util/problem.ts';
import { parsePolicy } from './parse-policy.ts';

function problemsOf(policy: string | object, kind: 'identity' | 'endpoint' = 'identity'): readonly string[] {
  const text = typeof policy === 'string' ? policy : JSON.stringify(policy, null, 2);
  try {
    parsePolicy(text, 'policy.json', kind);
    return [];
  } catch (error) {
    assert.ok(error instanceof InvalidDocumentError);
    return error.message.split('\n');
  }
}

const allow = { Effect: 'Allow', Action: 'imagebuilder:*', Resource: '*' };

describe('a policy document', () => {
  it('is read with one statement or a list, indented with tabs or spaces', () => {
    assert.deepEqual(problemsOf({ Statement: allow }), []);
    assert.deepEqual(problemsOf(JSON.stringify({ Version: '2012-10-17', Statement: [allow] }, null, '\t')), []);
  });

  it('is refused with all problems and their places', () => {
    const problems = problemsOf({
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Alow', Action: 'imagebuilder:GetImages', Resource: 'component/web' },
        { Effect: 'Allow', Action: '*', NotAction: '*', Resource: '*' },
        { ...allow, Condition: { StringEqual: { 'aws:username': 'x' }, Bool: { 'aws:SecureTransport': 'maybe' } } },
      ],
    });
    assert.match(problems[0] ?? '', /^policy\.json:5:\d+: .*Alow.*did you mean 'Allow'/);
    assert.match(problems[1] ?? '', /no action 'GetImages'.*did you mean 'GetImage'/);
    assert.match(problems[2] ?? '', /'component\/web' is neither an ARN nor '\*'/);
    assert.match(problems[3] ?? '', /Statement 2 needs either Action or NotAction/);
    assert.match(problems[4] ?? '', /no condition operator 'StringEqual'.*did you mean 'StringEquals'/);
    assert.match(problems[5] ?? '', /SecureTransport must be true or false/);
    assert.equal(problems.length, 6);
  });

  it('is refused by name when Kiln cannot evaluate it', () => {
    const conditions = (condition: object) => problemsOf({ Statement: { ...allow, Condition: condition } });
    assert.match(conditions({ Bool: { 'aws:MultiFactorAuthPresent': 'true' } })[0] ?? '', /aws:MultiFactorAuthPresent/);
    assert.match(conditions({ StringEquals: { 'aws:RequestTag/': 'x' } })[0] ?? '', /aws:RequestTag\//);
    const resource = 'arn:aws:imagebuilder:*:*:component/${aws:PrincipalTag/team}-*';
    const variable = problemsOf({ Version: '2012-10-17', Statement: { ...allow, Resource: resource } });
    assert.match(variable[0] ?? '', /no policy variable '\$\{aws:PrincipalTag\/team\}'/);
    assert.match(problemsOf({ Version: '2013-01-01', Statement: allow })[0] ?? '', /2013-01-01/);
  });

  it('names principals only where it is not one of them that has it', () => {
    assert.match(problemsOf({ Statement: { ...allow, Principal: '*' } })[0] ?? '', /no key 'Principal'/);
    assert.deepEqual(problemsOf({ Statement: { ...allow, Principal: '*' } }, 'endpoint'), []);
    assert.match(problemsOf({ Statement: allow }, 'endpoint')[0] ?? '', /needs either Principal or NotPrincipal/);
    const eve = { ...allow, Principal: { AWS: 'eve' } };
    assert.match(problemsOf({ Statement: eve }, 'endpoint')[0] ?? '', /'eve' is not/);
  });

  it('is refused when it is no policy at all', () => {
    for (const text of ['', '[]', '"text"', '{', '{}', '{"Statement": []}']) {
      assert.ok(problemsOf(text).length > 0, text);
    }
  });
});
