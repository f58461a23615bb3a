import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { OFFERED_EXECUTORS } from '../../src/engine/executor-tag.ts';
import { type DiskContents, readDisk } from '../disk-contents.ts';
import { makeKilnHome } from '../kiln-home.ts';

const example = join(import.meta.dirname, '../../examples/web-server');

/**
 * What differs because a machine was booted, and why that is right. Everything else must be the same.
 */
const MACHINE_LEAVES: readonly { readonly path: RegExp; readonly why: string }[] = [
  { path: /^\/etc\/(passwd|group|shadow|gshadow|subuid|subgid)-?$/, why: "cloud-init's user, made at the first boot" },
  { path: /^\/(home\/debian|etc\/sudoers\.d)(\/|$)/, why: "cloud-init's user" },
  { path: /^\/etc\/systemd\/network\/10-cloud-init-/, why: 'cloud-init writes it at every first boot' },
  { path: /^\/var\/lib\/dbus\/machine-id$/, why: 'made at boot' },
  { path: /^\/var\/log\//, why: 'logs of the boot and times in logs of packages' },
  { path: /^\/var\/lib\/systemd\//, why: 'the service manager notes timers, clock and seed' },
  { path: /^\/var\/lib\/private(\/|$)/, why: 'folders of services with a user of their own' },
  { path: /^\/var\/cache\/(ldconfig\/aux-cache|apt\/)/, why: 'inode numbers and times' },
  { path: /^\/var\/lib\/(apt\/|dpkg\/lock|ucf\/|cloud)/, why: 'times of package lists; state of the first boot' },
  { path: /^\/var\/tmp(\/|$)/, why: 'private folders of services' },
  { path: /^\/(tmp|run|proc|sys|dev)(\/|$)/, why: 'not on the disk, or emptied at boot' },
  { path: /^\/etc\/(machine-id|resolv\.conf|\.pwd\.lock)$/, why: 'made at boot' },
  { path: /^\/(root|home)\/?.*\/?\.ssh(\/|$)/, why: 'the key of the build' },
];

const skip = OFFERED_EXECUTORS.includes('direct') ? false : 'the direct executor is not offered yet';

test('an image built on its mounted disk is the one that a machine builds', { skip }, async () => {
  await using home = makeKilnHome({ withBaseImages: true });
  const folder = join(home.work, 'example');
  await cp(example, folder, { recursive: true });
  const template = join(folder, 'template.yaml');
  const image = '  WebServerImage:\n    Type: AWS::ImageBuilder::Image\n    Properties:\n';
  const off = `${image}      ImageTestsConfiguration: { ImageTestsEnabled: false }\n`;
  writeFileSync(template, readFileSync(template, 'utf8').replace(image, off));

  const built: Record<string, DiskContents> = {};
  for (const executor of ['direct', 'vm']) {
    const file = join(home.work, `${executor}.qcow2`);
    const build = home.start(['build', template, '--executor', executor, '-o', file]);
    assert.equal(await build.ended, 0, [...build.stdout, ...build.stderr].slice(-40).join('\n'));
    built[executor] = await readDisk(file);
  }
  const { direct, vm } = built;
  assert.ok(direct !== undefined && vm !== undefined);
  assert.deepEqual(direct.packages, vm.packages);
  assert.deepEqual(direct.enabledUnits, vm.enabledUnits);
  assert.deepEqual(differences(direct.tree, vm.tree), []);
  const attributes = ({ attributes: lines }: DiskContents) =>
    lines.filter((line) => !line.startsWith('./var/log/')).toSorted();
  assert.deepEqual(attributes(direct), attributes(vm));
});

function differences(direct: ReadonlyMap<string, string>, vm: ReadonlyMap<string, string>): readonly string[] {
  const paths = [...new Set([...direct.keys(), ...vm.keys()])].toSorted();
  return paths
    .filter((path) => direct.get(path) !== vm.get(path) && !MACHINE_LEAVES.some((left) => left.path.test(path)))
    .map((path) => `${path}: ${direct.get(path) ?? 'not there'} directly, ${vm.get(path) ?? 'not there'} on a machine`);
}
