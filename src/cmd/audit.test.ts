import assert from 'node:assert/strict';
import { appendFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openAuditTrail } from '../state/audit-trail/open-trail.ts';
import { audit } from './audit.ts';
import { openTestHome, type TestHome } from './command.fixture.ts';
import { UsageError } from './command.ts';

const record = (eventName: string, eventTime: string, more: object = {}) => ({
  eventTime,
  eventName,
  sourceIPAddress: '10.1.2.3',
  userIdentity: { type: 'IAMUser', userName: 'eve' },
  ...more,
});

async function openTrail(): Promise<TestHome & { readonly file: string }> {
  const home = await openTestHome();
  await using trail = await openAuditTrail({ folder: home.home.audit, signal: new AbortController().signal });
  await trail.append(record('GetImage', '2026-11-01T10:00:00Z'), true);
  await trail.append(record('DeleteImage', '2026-11-02T10:00:00Z', { errorCode: 'AccessDeniedException' }), true);
  const unknown = { userIdentity: { type: 'Unknown', accessKeyId: 'AKIA\u001b[2J' } };
  await trail.append(record('ListImages', new Date().toISOString(), unknown), true);
  return { ...home, file: join(home.home.audit, '000001.jsonl') };
}

test('the trail is told in lines, or in records as CloudTrail has them', async () => {
  await using home = await openTrail();
  const { stdout } = await home.run(audit, []);
  const [first, second, third] = stdout.split('\n');
  assert.equal(first, '2026-11-01T10:00:00Z  eve               10.1.2.3         GetImage  ok');
  assert.match(second ?? '', /DeleteImage {2}AccessDeniedException$/);
  assert.match(third ?? '', /\? AKIA/);
  assert.ok(!stdout.includes('\u001b'));
  const json = (await home.run(audit, ['--json'])).stdout.trimEnd().split('\n');
  assert.deepEqual(JSON.parse(json[0] ?? ''), record('GetImage', '2026-11-01T10:00:00Z'));
});

test('--since leaves out what was before', async () => {
  await using home = await openTrail();
  const count = async (since: string) =>
    (await home.run(audit, ['--since', since])).stdout.trimEnd().split('\n').length;
  assert.equal(await count('2026-11-01'), 3);
  assert.equal(await count('2026-11-02T00:00:00Z'), 2);
  assert.equal(await count('5m'), 1);
  for (const argv of [
    ['--since', 'soon'],
    ['check'],
    ['verify', '--json'],
    ['--contains', 'x'],
    ['verify', '--contains', 'x'],
  ]) {
    await assert.rejects(home.run(audit, argv), UsageError);
  }
});

test('verify says that the trail is whole, and its newest hash', async () => {
  await using home = await openTrail();
  const { code, stdout } = await home.run(audit, ['verify']);
  assert.equal(code, 0);
  const [, hash = ''] = /^3 records, intact\n([0-9a-f]{64})\n$/.exec(stdout) ?? [];
  assert.equal((await home.run(audit, ['verify', '--contains', hash])).code, 0);
  const lines = (await readFile(home.file, 'utf8')).split('\n');
  await writeFile(home.file, `${lines.slice(0, 2).join('\n')}\n`);
  const cut = await home.run(audit, ['verify']);
  assert.equal(cut.code, 1);
  assert.match(cut.stderr, /end was cut off: there were records up to 3, and the last one is 2/);
  // Whoever can write the folder can also take the note away; a hash that is elsewhere they cannot.
  await rm(join(home.home.audit, 'head'));
  assert.equal((await home.run(audit, ['verify'])).code, 0);
  const known = await home.run(audit, ['verify', '--contains', hash]);
  assert.equal(known.code, 1);
  assert.match(known.stderr, /does not have the hash/);
});

test('verify names the place of what was changed, and tells of a torn line', async () => {
  await using home = await openTrail();
  await appendFile(home.file, '{"seq');
  const torn = await home.run(audit, ['verify']);
  assert.equal(torn.code, 0);
  assert.match(torn.stderr, /last line has no end \(5 bytes\)/);
  const text = await readFile(home.file, 'utf8');
  await writeFile(home.file, text.replace('AccessDeniedException', 'ok'));
  const changed = await home.run(audit, ['verify']);
  assert.equal(changed.code, 1);
  assert.match(changed.stderr, /000001\.jsonl:2: The record was changed/);
  assert.equal(changed.stdout, '');
});

test('a home without a trail has an empty one', async () => {
  await using home = await openTestHome();
  assert.equal((await home.run(audit, [])).stdout, '');
  assert.match((await home.run(audit, ['verify'])).stdout, /^0 records, intact/);
});
