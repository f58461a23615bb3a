import assert from 'node:assert/strict';
import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { InvalidDocumentError } from '../util/problem.ts';
import { audit } from './audit.ts';
import { openTestHome, type TestHome } from './command.fixture.ts';
import { UsageError } from './command.ts';
import { ensureHome } from './kiln-home.ts';
import { principal } from './principal.ts';
import { openPrincipals } from './principals.ts';

const ACCOUNT = '123456789012';
const LIST = { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: 'imagebuilder:List*', Resource: '*' } };

async function policyFile({ folder }: TestHome, policy: object = LIST): Promise<string> {
  const file = join(folder, 'policy.json');
  await writeFile(file, JSON.stringify(policy));
  return file;
}

async function add(home: TestHome, name: string): Promise<{ id: string; secret: string }> {
  const { code, stdout } = await home.run(principal, ['add', name, '--policy', await policyFile(home)]);
  assert.equal(code, 0);
  return keysOf(stdout);
}

function keysOf(stdout: string): { id: string; secret: string } {
  const [, id = '', secret = ''] =
    /^export AWS_ACCESS_KEY_ID='([A-Z2-7]{20})'\nexport AWS_SECRET_ACCESS_KEY='([A-Za-z0-9+/]{40})'\n$/.exec(stdout) ??
    [];
  assert.notEqual(id, '');
  return { id, secret };
}

function opened({ home }: TestHome) {
  const errors: object[] = [];
  const log = { debug: () => {}, warn: () => {}, error: (fields: object) => void errors.push(fields) };
  return { errors, principals: openPrincipals(home, ACCOUNT, log) };
}

test('a principal is known to a running service from the next request on, until it is removed', async () => {
  await using home = await openTestHome();
  const { principals } = opened(home);
  assert.equal(principals.find('AKIANOBODY'), undefined);
  const { id, secret } = await add(home, 'eve');
  const found = principals.find(id);
  assert.equal(found?.secretAccessKey, secret);
  assert.equal(found?.principalArn, `arn:aws:iam::${ACCOUNT}:user/eve`);
  assert.equal(found?.userName, 'eve');
  assert.match(found?.userId ?? '', /^AIDA[A-Z2-7]{16}$/);
  assert.equal(found?.policy?.statements.length, 1);
  const rotated = keysOf((await home.run(principal, ['rotate', 'eve'])).stdout);
  assert.equal(principals.find(id), undefined);
  assert.equal(principals.find(rotated.id)?.userId, found?.userId);
  await home.run(principal, ['rm', 'eve']);
  assert.equal(principals.find(rotated.id), undefined);
});

test('the list names principals and no secret', async () => {
  await using home = await openTestHome();
  const { id, secret } = await add(home, 'eve');
  await add(home, 'bob@example');
  const { stdout } = await home.run(principal, ['list']);
  assert.match(stdout, new RegExp(`eve +${id} .* arn:aws:iam::[0-9]{12}:user/eve`));
  assert.match(stdout, /bob@example/);
  assert.ok(!stdout.includes(secret));
});

test('the keys are in a file that only its owner can read', async () => {
  await using home = await openTestHome();
  await add(home, 'eve');
  assert.equal((await stat(home.home.principalsFile)).mode & 0o777, 0o600);
});

test('a policy that cannot be evaluated adds nobody', async () => {
  await using home = await openTestHome();
  const file = await policyFile(home, { Statement: { ...LIST.Statement, Condition: { Bool: { 'aws:X': 'true' } } } });
  await assert.rejects(home.run(principal, ['add', 'eve', '--policy', file]), (error) => {
    assert.ok(error instanceof InvalidDocumentError);
    assert.match(error.message, /policy\.json:1:\d+: Kiln has no value for the condition key 'aws:X'/);
    return true;
  });
  assert.ok(!(await home.run(principal, ['list'])).stdout.includes('eve'));
});

test('principals of other accounts are named with their account, or by their ARN', async () => {
  await using home = await openTestHome();
  const { principals } = opened(home);
  const policy = ['--policy', await policyFile(home)];
  const arn = 'arn:aws:iam::999999999999:user/eve';
  await add(home, 'eve');
  const { id } = keysOf((await home.run(principal, ['add', arn, ...policy])).stdout);
  assert.deepEqual([principals.find(id)?.principalArn, principals.find(id)?.accountId], [arn, '999999999999']);
  assert.equal(principals.accountIds().length, 2);
  assert.match((await home.run(principal, ['list'])).stdout, /arn:aws:iam::999999999999:user\/eve/);
  const rotated = keysOf((await home.run(principal, ['rotate', 'eve', '--account', '999999999999'])).stdout);
  assert.equal(principals.find(rotated.id)?.principalArn, arn);
  await home.run(principal, ['rm', arn]);
  assert.equal(principals.find(rotated.id), undefined);
  assert.match((await home.run(principal, ['list'])).stdout, /:user\/eve/);
  for (const [argv, message] of [
    [['add', 'arn:aws:iam::999999999999:role/x', ...policy], /not the ARN of a user/],
    [['add', 'x', '--account', '99', ...policy], /12 digits/],
    [['add', arn, '--account', '888888888888', ...policy], /not of the account/],
    [['rm', arn], /no principal 'eve' in the account 999999999999/],
  ] as const) {
    await assert.rejects(home.run(principal, argv), message);
  }
});

test('every change is in the audit trail, in the format of CloudTrail and without secrets', async () => {
  await using home = await openTestHome();
  const { id, secret } = await add(home, 'eve');
  const rotated = keysOf((await home.run(principal, ['rotate', 'eve'])).stdout);
  await home.run(principal, ['rm', 'eve']);
  await assert.rejects(home.run(principal, ['rm', 'eve']));
  const { stdout } = await home.run(audit, ['--json']);
  const records = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    records.map(({ eventName, errorCode, responseElements }) => [eventName, errorCode, responseElements?.accessKeyId]),
    [
      ['AddPrincipal', undefined, id],
      ['RotatePrincipalKeys', undefined, rotated.id],
      ['RemovePrincipal', undefined, undefined],
      ['RemovePrincipal', 'UsageError', undefined],
    ],
  );
  const [added] = records;
  assert.match(added.requestParameters.policy, /^[0-9]+ characters, sha256 [0-9a-f]{64}$/);
  assert.equal(added.requestParameters.name, 'eve');
  assert.deepEqual(
    [added.userIdentity.type, added.userIdentity.accountId, added.additionalEventData.operatingSystemUser.uid],
    ['Root', added.requestParameters.accountId, process.getuid?.()],
  );
  for (const text of [secret, rotated.secret]) assert.ok(!stdout.includes(text));
  assert.match((await home.run(audit, ['verify'])).stdout, /^4 records, intact/);
});

test('ten additions at once are all there', async () => {
  await using home = await openTestHome();
  const file = await policyFile(home);
  await ensureHome(home.home);
  const names = Array.from({ length: 10 }, (_, number) => `user-${number}`);
  await Promise.all(names.map((name) => home.run(principal, ['add', name, '--policy', file])));
  const { stdout } = await home.run(principal, ['list']);
  for (const name of names) assert.ok(stdout.includes(name), name);
});

test('what makes no sense is refused with what would', async () => {
  await using home = await openTestHome();
  await add(home, 'eve');
  const policy = ['--policy', await policyFile(home)];
  for (const [argv, message] of [
    [['ad', 'x'], /did you mean 'add'/],
    [['add', 'x'], /--policy FILE/],
    [['add', 'x y', ...policy], /cannot be a name/],
    [['add', 'EVE', ...policy], /there is a principal 'EVE' already/],
    [['rotate', 'evee'], /did you mean 'eve'/],
    [['rm'], /usage: kiln principal rm NAME/],
    [['rm', 'nobody'], /there is no principal 'nobody'/],
    [['list', ...policy], /--policy is for add only/],
  ] as const) {
    await assert.rejects(home.run(principal, argv), (error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, message);
      return true;
    });
  }
});

test('while the file is damaged nobody in it is let in, and it is not overwritten', async () => {
  await using home = await openTestHome();
  const { errors, principals } = opened(home);
  const { id } = await add(home, 'eve');
  assert.ok(principals.find(id) !== undefined);
  const good = await readFile(home.home.principalsFile, 'utf8');
  await writeFile(home.home.principalsFile, good.slice(0, 50));
  assert.equal(principals.find(id), undefined);
  assert.equal(principals.find(id), undefined);
  assert.equal(errors.length, 1);
  await assert.rejects(add(home, 'bob'), /principals\.json is damaged/);
  await writeFile(home.home.principalsFile, good);
  await chmod(home.home.principalsFile, 0o600);
  assert.ok(principals.find(id) !== undefined);
});
