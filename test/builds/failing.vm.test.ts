import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { makeKilnHome } from '../kiln-home.ts';
import { bash, templateOf } from './template.ts';

const TEMPLATE = templateOf({
  name: 'broken',
  components: { broken: [bash('Explode', ['echo "the fuse is lit"', 'echo "no such fuel" >&2', 'exit 3'])] },
  infrastructure: { TerminateInstanceOnFailure: false },
});

test('a failing component ends with 1, names its step and last lines, and a kept instance can be entered and ended', async () => {
  await using home = makeKilnHome({ withBaseImages: true });
  const template = join(home.work, 'template.yaml');
  writeFileSync(template, TEMPLATE);
  // No service runs before or after it: the instance needs none.
  const build = home.start(['build', template]);
  assert.equal(await build.ended, 1);
  const output = [...build.stdout, ...build.stderr].join('\n');
  for (const expected of [
    /component\/broken\/1\.0\.0\/1/,
    /build/,
    /Explode/,
    /exit status 3/,
    /no such fuel/,
    /kiln rm /,
  ]) {
    assert.match(output, expected);
  }
  // It failed on the mounted disk first, and what is kept is a machine.
  assert.match(output, /Booting the disk as it was before Component 'broken': step Explode failed without a running/);
  const enter = /enter it: +(ssh .*-p \d+ .*root@127\.0\.0\.1)$/m.exec(output)?.[1] ?? '';
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', `${enter} 'echo entered "$(hostname)"'`]);
  assert.match(stdout, /^entered ./);
  const arn = /arn:aws:imagebuilder:[^ ]*:image\/broken\/1\.0\.0\/1/.exec(output)?.[0];
  assert.ok(arn);

  const removal = home.start(['rm', arn]);
  assert.equal(await removal.ended, 0, removal.stderr.join('\n'));
  assert.match(removal.stdout.join('\n'), /ended its instance/);
  await assert.rejects(promisify(execFile)('/bin/sh', ['-c', `${enter} true`]), { code: 255 });
  assert.deepEqual(readdirSync(join(home.path, 'run/instances')), []);
  const images = home.start(['images', '--json']);
  assert.equal(await images.ended, 0);
  assert.deepEqual(images.stdout, []);
});
