import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { makeKilnHome } from '../kiln-home.ts';
import { bash, templateOf } from './template.ts';

const TEMPLATE = templateOf({
  name: 'entered',
  components: {
    first: [bash('Run', ['echo first > /root/first'])],
    broken: [bash('Run', ['echo broken > /root/broken; exit 3'])],
  },
});

test('the machine before a component that failed is entered on a copy, every time, and stays as it was', async () => {
  await using home = makeKilnHome({ withBaseImages: true });
  const template = join(home.work, 'template.yaml');
  writeFileSync(template, TEMPLATE);
  const build = home.start(['build', template, '--executor', 'vm', '--json']);
  assert.equal(await build.ended, 1);
  const output = [...build.stdout, ...build.stderr].join('\n');
  const arn = /arn:aws:imagebuilder:[^ "]*:image\/entered\/1\.0\.0\/1/.exec(output)?.[0] ?? '';

  const disks = join(home.path, 'images/disks');
  /** Disks and memories of checkpoints, by their contents. */
  const kept = (): ReadonlyMap<string, string> => {
    const files = readdirSync(disks, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const paths = files.map((entry) => join(entry.parentPath, entry.name)).toSorted();
    const ofCheckpoints = paths.filter((path) => /^layer-.*(\.qcow2$|\.machine\/)/.test(relative(disks, path)));
    return new Map(
      ofCheckpoints.map((path) => [path, createHash('sha256').update(readFileSync(path)).digest('hex')] as const),
    );
  };
  const before = kept();
  assert.ok(
    [...before.keys()].some((path) => path.includes('.machine/')),
    output.slice(-3000),
  );
  const commands = [
    'cat /root/first; ls /root/broken /root/mine; echo mine > /root/mine; rm /root/first; sync',
    'cat /root/first; ls /root/broken /root/mine',
  ];
  for (const more of [[], ['--before-step', 'broken']]) {
    const shell = home.start(['shell', arn, ...more, '--', commands.shift() ?? '']);
    await shell.ended;
    const said = shell.stderr.join('\n');
    assert.deepEqual(shell.stdout, ['first'], said);
    assert.match(said, /^resuming i-[0-9a-f]{17}[\s\S]*the state before broken; nothing that is done here stays/m);
    assert.match(said, /\/root\/broken.*No such file[\s\S]*\/root\/mine.*No such file/, 'neither is there');
    assert.deepEqual(kept(), before);
    assert.deepEqual(readdirSync(join(home.path, 'run/instances')), []);
  }
});
