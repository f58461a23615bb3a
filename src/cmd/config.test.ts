import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { BuilderFault } from '../util/faults.ts';
import { InvalidDocumentError } from '../util/problem.ts';
import { type Config, DEFAULT_PORT, readConfig } from './config.ts';

let home: string;
before(() => {
  home = mkdtempSync(join(tmpdir(), 'kiln-config-'));
});
after(() => {
  rmSync(home, { recursive: true, force: true });
});

function withFile(text: string, environment: Record<string, string> = {}): Config {
  writeFileSync(join(home, 'config.yaml'), text);
  return readConfig({ KILN_HOME: home, ...environment }, {});
}

test('without anything there are defaults', () => {
  const config = readConfig({}, {});
  assert.equal(config.home.path, join(homedir(), '.local/share/kiln'));
  assert.equal(config.port, DEFAULT_PORT);
  assert.equal(config.concurrency, 64);
  assert.equal(config.databaseUrl, undefined);
});

test('a flag wins over the environment, the environment over the file', () => {
  assert.equal(withFile('port: 1000\nconcurrency: 2\n').port, 1000);
  assert.equal(withFile('port: 1000\n', { KILN_PORT: '2000' }).port, 2000);
  assert.equal(readConfig({ KILN_HOME: home, KILN_PORT: '2000' }, { port: '3000' }).port, 3000);
});

test('an empty variable is none', () => {
  assert.equal(readConfig({ KILN_HOME: home, DATABASE_URL: '', KILN_PORT: '' }, {}).databaseUrl, undefined);
});

test('the file gives instance types', () => {
  const { instanceTypes } = withFile('instanceTypes:\n  tiny.one: { vcpus: 1, memoryMiB: 512 }\n');
  assert.deepEqual(instanceTypes, { 'tiny.one': { vcpus: 1, memoryMiB: 512 } });
});

for (const [text, problem] of [
  ['prot: 1\n', /config\.yaml:1:1: .*did you mean 'port'/],
  ['port: many\n', /config\.yaml:1:7: /],
  ['port: 70000\n', /from 0 to 65535/],
  ['accountId: 12\n', /accountId must match/],
  ['logLevel: loud\n', /LogLevel cannot be 'loud'/],
  ['quotas: { component: 5 }\n', /did you mean 'components'/],
  ['quotas: { components: -1 }\n', /components must be from 0/],
  ['requestRate: { perSecond: 5 }\n', /needs the key 'burst'/],
  ['instanceTypes: { a: { vcpus: 0, memoryMiB: 512 } }\n', /vcpus must be from 1/],
  ['port: [\n', /config\.yaml:\d+/],
] as const) {
  test(`the file is refused with the place of its mistake: ${text.trim()}`, () => {
    assert.throws(
      () => withFile(text),
      (error) => error instanceof InvalidDocumentError && problem.test(error.message),
    );
  });
}

for (const environment of [
  { KILN_PORT: 'x' },
  { KILN_ACCOUNT_ID: '1' },
  { KILN_LOG_LEVEL: 'loud' },
  { KILN_REGION: 'here' },
]) {
  test(`a variable that cannot be is refused: ${JSON.stringify(environment)}`, () => {
    assert.throws(() => withFile('', environment), BuilderFault);
  });
}

test('quotas and the request rate are set in the file, and have defaults', () => {
  const { quotas, requestRate } = withFile('quotas: { components: 5000 }\nrequestRate: { perSecond: 7, burst: 9 }\n');
  assert.deepEqual(quotas, { components: 5_000 });
  assert.deepEqual(requestRate, { perSecond: 7, burst: 9 });
  assert.deepEqual(withFile('').requestRate, { perSecond: 100, burst: 200 });
});
