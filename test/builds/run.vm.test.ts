import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { guests, until } from '../guests.ts';
import { makeKilnHome } from '../kiln-home.ts';
import { MARKER } from '../leaks.ts';

test('kiln run boots an image on a throw-away copy, lets one in, and leaves nothing at Ctrl-C', async () => {
  await using home = await makeKilnHome({ withBaseImages: true });
  const server = home.start(['serve', '--port', '0']);
  const listening = await server.line((text) => text.startsWith('kiln listens'));
  const port = /:(\d+)$/.exec(listening)?.[1];
  const catalog = home.start(['catalog', '--json']);
  assert.equal(await catalog.ended, 0, catalog.stderr.join('\n'));
  const amiIds = catalog.stdout.flatMap((line) => (JSON.parse(line) as { amiId?: string }).amiId ?? []);
  const [amiId = ''] = amiIds;
  assert.match(amiId, /^ami-[0-9a-f]{17}$/);

  const run = home.start(['run', amiId, '--type', 't2.small']);
  const line = await run.line((text) => text.includes('enter it:'));
  const enter = line.slice(line.indexOf(':') + 1).trim();
  // The line is for a shell, and what follows it is run in the guest.
  const { stdout } = await promisify(execFile)('/bin/sh', [
    '-c',
    `${enter} 'touch /etc/kiln-was-here; cat /etc/os-release'`,
  ]);
  assert.match(stdout, /^ID=debian$/m);
  // What the host has on its loopback the guest finds at 10.0.2.2: there a listener has to ask for credentials.
  const ask = `curl --silent --include --data '{}' http://10.0.2.2:${port}/ListImages`;
  const { stdout: answer } = await promisify(execFile)('/bin/sh', ['-c', `${enter} "${ask}"`]);
  assert.match(answer, /^HTTP\/1\.1 403 .*MissingAuthenticationToken/s);

  run.child.kill('SIGINT');
  assert.equal(await run.ended, 0, run.stderr.join('\n'));
  assert.deepEqual(readdirSync(join(home.path, 'run', 'instances')), []);

  const unknown = home.start(['run', amiId, '--type', 'huge.metal']);
  assert.notEqual(await unknown.ended, 0);
  assert.match(unknown.stderr.join('\n'), /huge\.metal/);
});

test('what a killed kiln run leaves is ended by the next service, and a running one is left alone', async () => {
  await using home = await makeKilnHome({ withBaseImages: true });
  const marker = { [MARKER]: `${process.env[MARKER] ?? 'none'}-run` };
  const catalog = home.start(['catalog', '--json']);
  assert.equal(await catalog.ended, 0, catalog.stderr.join('\n'));
  const [amiId = ''] = catalog.stdout.flatMap((line) => (JSON.parse(line) as { amiId?: string }).amiId ?? []);

  const killed = home.start(['run', amiId, '--type', 't2.small'], marker);
  await until(async () => guests(marker).length === 1);
  const abandoned = guests(marker);
  killed.child.kill('SIGKILL');
  assert.equal(await killed.ended, 137);
  assert.deepEqual(guests(marker), abandoned, 'the guest lives in a process group of its own and survives');
  const other = home.start(['run', amiId, '--type', 't2.small'], marker);
  await until(async () => guests(marker).length === 2);

  const server = home.start(['serve', '--port', '0'], marker);
  await server.line((line) => line.startsWith('kiln listens'));
  await until(async () => guests(marker).length === 1);
  assert.notDeepEqual(guests(marker), abandoned);
  assert.equal(readdirSync(join(home.path, 'run', 'instances')).length, 1);
  other.child.kill('SIGINT');
  assert.equal(await other.ended, 130, other.stderr.join('\n'));
  assert.deepEqual(readdirSync(join(home.path, 'run', 'instances')), []);
});
