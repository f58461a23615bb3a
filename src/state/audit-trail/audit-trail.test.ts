import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { leaveRecord, openInbox } from './inbox.ts';
import { openAuditTrail } from './open-trail.ts';
import { readTrail, verifyTrail } from './verify-trail.ts';

const never = new AbortController().signal;

async function trailFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-audit-'));
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

async function writeRecords(folder: string, count: number, maxFileBytes?: number): Promise<void> {
  const size = maxFileBytes === undefined ? {} : { maxFileBytes };
  await using trail = await openAuditTrail({ folder, signal: never, ...size });
  for (let number = 1; number <= count; number++) await trail.append({ number }, true);
}

const only = (folder: string) => join(folder, '000001.jsonl');

test('a trail goes on where it ended, over restarts and files', async () => {
  await using place = await trailFolder();
  await writeRecords(place.folder, 3, 200);
  await writeRecords(place.folder, 2, 200);
  const { problems, records, head } = await verifyTrail(place.folder);
  assert.deepEqual(problems, []);
  assert.equal(records, 5);
  assert.equal(head.sequence, 5);
  const numbers = await Array.fromAsync(readTrail(place.folder), (text) => JSON.parse(text).number);
  assert.deepEqual(numbers, [1, 2, 3, 1, 2]);
  const files = (await readdir(place.folder)).filter((name) => name.endsWith('.jsonl'));
  assert.ok(files.length > 1);
  assert.equal((await stat(only(place.folder))).mode & 0o777, 0o600);
});

test('a hash can be checked with nothing but sha256', async () => {
  await using place = await trailFolder();
  await writeRecords(place.folder, 1);
  const [line = ''] = (await readFile(only(place.folder), 'utf8')).split('\n');
  const { sequence, previous, hash } = JSON.parse(line);
  const text = `${sequence}\n${previous}\n{"number":1}`;
  assert.equal(createHash('sha256').update(text).digest('hex'), hash);
});

test('a durable record is in the file when its promise resolves, and so are those before it', async () => {
  await using place = await trailFolder();
  await using trail = await openAuditTrail({ folder: place.folder, signal: never });
  const lazy = trail.append({ number: 1 }, false);
  await trail.append({ number: 2 }, true);
  assert.equal((await readFile(only(place.folder), 'utf8')).split('\n').length, 3);
  await lazy;
});

test('records that are appended at once are all there, in their order', async () => {
  await using place = await trailFolder();
  const count = 500;
  {
    await using trail = await openAuditTrail({ folder: place.folder, signal: never, maxFileBytes: 10_000 });
    await Promise.all(Array.from({ length: count }, (_, number) => trail.append({ number }, number % 3 === 0)));
  }
  const numbers = await Array.fromAsync(readTrail(place.folder), (text) => JSON.parse(text).number);
  assert.deepEqual(
    numbers,
    Array.from({ length: count }, (_, number) => number),
  );
  assert.deepEqual((await verifyTrail(place.folder)).problems, []);
});

test('verification finds records that were changed, removed or put in, and where', async () => {
  const changes: Record<string, (lines: string[]) => string[]> = {
    changed: (lines) => lines.map((line) => line.replace('"number":3', '"number":4')),
    removed: (lines) => lines.toSpliced(2, 1),
    first: (lines) => lines.slice(1),
    swapped: ([a = '', b = '', c = '', ...more]) => [a, c, b, ...more],
    doubled: (lines) => [...lines.slice(0, 3), lines[2] ?? '', ...lines.slice(3)],
    noise: (lines) => [...lines.slice(0, 2), 'noise', ...lines.slice(2)],
  };
  for (const [what, change] of Object.entries(changes)) {
    await using place = await trailFolder();
    await writeRecords(place.folder, 5);
    const lines = (await readFile(only(place.folder), 'utf8')).trimEnd().split('\n');
    await writeFile(only(place.folder), `${change(lines).join('\n')}\n`);
    const { problems } = await verifyTrail(place.folder);
    assert.ok(problems.length > 0, what);
    assert.equal(problems[0]?.line, what === 'first' ? 1 : what === 'swapped' ? 2 : what === 'doubled' ? 4 : 3, what);
  }
});

test('verification tells a trail whose end was cut off, and so does the trail once it goes on', async () => {
  await using place = await trailFolder();
  await writeRecords(place.folder, 3);
  const lines = (await readFile(only(place.folder), 'utf8')).split('\n');
  await writeFile(only(place.folder), `${lines.slice(0, 2).join('\n')}\n`);
  const cut = await verifyTrail(place.folder);
  assert.deepEqual(
    cut.problems.map(({ message }) => message),
    ['The end was cut off: there were records up to 3, and the last one is 2.'],
  );
  {
    await using trail = await openAuditTrail({ folder: place.folder, signal: never });
    assert.equal(trail.missing?.sequence, 3);
    await trail.append({ eventName: 'MissingAuditRecords', details: trail.missing }, true);
    await trail.append({ number: 4 }, true);
  }
  const [problem] = (await verifyTrail(place.folder)).problems;
  assert.match(problem?.message ?? '', /were missing at the start/);
  assert.equal(problem?.line, 3);
  await rm(only(place.folder));
  assert.match((await verifyTrail(place.folder)).problems[0]?.message ?? '', /up to 4, and the last one is 0/);
});

test('verification tells a trail that was written anew from a record on', async () => {
  await using place = await trailFolder();
  await using other = await trailFolder();
  await writeRecords(place.folder, 3);
  {
    await using trail = await openAuditTrail({ folder: other.folder, signal: never });
    for (const number of [1, 2, 33]) await trail.append({ number }, true);
  }
  await writeFile(only(place.folder), await readFile(only(other.folder)));
  const { problems } = await verifyTrail(place.folder);
  assert.deepEqual(
    problems.map(({ line, message }) => [line, message]),
    [[3, 'Another record was written here.']],
  );
});

test('a hash that was noted elsewhere tells a trail of which all was written anew', async () => {
  await using place = await trailFolder();
  await writeRecords(place.folder, 3);
  const { head } = await verifyTrail(place.folder);
  await writeRecords(place.folder, 1);
  assert.ok((await verifyTrail(place.folder, head.hash)).found);
  await rm(place.folder, { recursive: true });
  await writeRecords(place.folder, 2);
  const anew = await verifyTrail(place.folder, head.hash);
  assert.deepEqual([anew.problems.length, anew.found], [0, false]);
});

test('what other processes leave for the trail is taken over once, in order, also while it is written', async () => {
  await using place = await trailFolder();
  const at = (second: number) => new Date(Date.UTC(2026, 10, 23, 0, 0, second));
  await leaveRecord(place.folder, { number: 2 }, at(2));
  await leaveRecord(place.folder, { number: 1 }, at(1));
  const problems: Error[] = [];
  {
    await using trail = await openAuditTrail({ folder: place.folder, signal: never });
    await using inbox = openInbox(place.folder, trail, (error) => problems.push(error));
    await leaveRecord(place.folder, { number: 3 }, at(3));
    inbox.take();
    await trail.append({ number: 4 }, true);
    await writeFile(join(place.folder, 'inbox', `${'0'.repeat(15)}-${randomUUID()}.json`), 'no json');
  }
  const numbers = await Array.fromAsync(readTrail(place.folder), (text) => JSON.parse(text).number);
  assert.deepEqual(numbers, [1, 2, 3, 4]);
  assert.equal(problems.length, 1);
  assert.equal((await readdir(join(place.folder, 'inbox'))).length, 1);
  assert.deepEqual((await verifyTrail(place.folder)).problems, []);
});

test('a torn last line is told of, taken away, and the trail goes on', async () => {
  await using place = await trailFolder();
  await writeRecords(place.folder, 2);
  await appendFile(only(place.folder), '{"sequence":3,"prev');
  const before = await verifyTrail(place.folder);
  assert.deepEqual([before.tornBytes, before.problems.length, before.records], [19, 0, 2]);
  {
    await using trail = await openAuditTrail({ folder: place.folder, signal: never });
    assert.equal(trail.torn?.bytes, 19);
    await trail.append({ number: 3 }, true);
  }
  const after = await verifyTrail(place.folder);
  assert.deepEqual([after.tornBytes, after.problems.length, after.records], [0, 0, 3]);
});

test('a trail whose last line was changed is not continued', async () => {
  await using place = await trailFolder();
  await writeRecords(place.folder, 2);
  const text = await readFile(only(place.folder), 'utf8');
  await writeFile(only(place.folder), text.replace('"number":2', '"number":9'));
  await assert.rejects(
    openAuditTrail({ folder: place.folder, signal: never }),
    /last line of the audit trail is damaged/,
  );
});

test('while the trail cannot be written it says so, and what was appended follows later', async () => {
  await using place = await trailFolder();
  await using trail = await openAuditTrail({ folder: place.folder, signal: never, maxFileBytes: 1 });
  await trail.append({ number: 1 }, true);
  // A folder where the next file should be: nothing can be written until it is gone.
  const { mkdir, rmdir } = await import('node:fs/promises');
  await mkdir(join(place.folder, '000002.jsonl'));
  await assert.rejects(trail.append({ number: 2 }, true));
  assert.ok(trail.failure() !== undefined);
  await rmdir(join(place.folder, '000002.jsonl'));
  await trail.append({ number: 3 }, true);
  assert.equal(trail.failure(), undefined);
  const numbers = await Array.fromAsync(readTrail(place.folder), (text) => JSON.parse(text).number);
  assert.deepEqual(numbers, [1, 2, 3]);
});

test('another process cannot write in between', async () => {
  await using place = await trailFolder();
  await using trail = await openAuditTrail({ folder: place.folder, signal: never });
  await trail.append({ number: 1 }, true);
  const waiting = new AbortController();
  const other = openAuditTrail({ folder: place.folder, signal: waiting.signal });
  waiting.abort(new Error('did not get it'));
  await assert.rejects(other, /did not get it/);
});

test('what was acknowledged survives the kill of the process, and the chain is whole', async () => {
  await using place = await trailFolder();
  const module = JSON.stringify(new URL('./open-trail.ts', import.meta.url).href);
  const program = `
    import { openAuditTrail } from ${module};
    const trail = await openAuditTrail({ folder: ${JSON.stringify(place.folder)}, signal: new AbortController().signal });
    for (let number = 1; ; number++) {
      void trail.append({ lazy: number, filler: 'x'.repeat(5000) }, false);
      await trail.append({ number }, true);
      process.stdout.write(number + '\\n');
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  for await (const chunk of child.stdout) {
    said += chunk;
    if (said.split('\n').length > 20 && child.exitCode === null) child.kill('SIGKILL');
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  const acknowledged = Number(said.trimEnd().split('\n').at(-1));
  {
    await using trail = await openAuditTrail({ folder: place.folder, signal: never });
    await trail.append({ again: true }, true);
  }
  const { problems } = await verifyTrail(place.folder);
  assert.deepEqual(problems, []);
  const records = await Array.fromAsync(readTrail(place.folder), (text) => JSON.parse(text));
  assert.ok(records.some(({ number }) => number === acknowledged));
});
