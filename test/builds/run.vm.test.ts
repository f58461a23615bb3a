import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { makeKilnHome } from '../kiln-home.ts';

test('kiln run boots an image on a throw-away copy, lets one in, and leaves nothing at Ctrl-C', async () => {
  await using home = makeKilnHome({ withBaseImages: true });
  const catalog = home.start(['catalog', '--json']);
  assert.equal(await catalog.ended, 0, catalog.stderr.join('\n'));
  const amiIds = catalog.stdout.flatMap((line) => (JSON.parse(line) as { amiId?: string }).amiId ?? []);
  const [amiId = ''] = amiIds;
  assert.match(amiId, /^ami-[0-9a-f]{17}$/);

  const run = home.start(['run', amiId]);
  const line = await run.line((text) => text.includes('enter it:'));
  const enter = line.slice(line.indexOf(':') + 1).trim();
  // The line is for a shell, and what follows it is run in the guest.
  const { stdout } = await promisify(execFile)('/bin/sh', [
    '-c',
    `${enter} 'touch /etc/kiln-was-here; cat /etc/os-release'`,
  ]);
  assert.match(stdout, /^ID=debian$/m);

  run.child.kill('SIGINT');
  assert.equal(await run.ended, 0, run.stderr.join('\n'));
  assert.deepEqual(readdirSync(join(home.path, 'run', 'instances')), []);

  const unknown = home.start(['run', amiId, '--type', 'huge.metal']);
  assert.notEqual(await unknown.ended, 0);
  assert.match(unknown.stderr.join('\n'), /huge\.metal/);
});
