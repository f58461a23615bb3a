import assert from 'node:assert/strict';
import type { DiskContents } from '../disk-contents.ts';

/** What is there, or is another, because a machine was booted, and why that is right. All else must be the same. */
const MACHINE_LEAVES: readonly { readonly path: RegExp; readonly why: string }[] = [
  {
    path: /^\/etc\/(passwd|group|shadow|gshadow|subuid|subgid)-?$/,
    why: "compared line by line without cloud-init's user",
  },
  { path: /^\/home\/debian(\/|$)/, why: "the home of cloud-init's user" },
  { path: /^\/etc\/sudoers\.d$/, why: 'cloud-init wrote a file there, and another mode' },
  { path: /^\/etc\/systemd\/network\/10-cloud-init-/, why: 'cloud-init writes it at every first boot' },
  { path: /^\/var\/lib\/cloud$/, why: 'what cloud-init keeps is in there; the clean-up empties it' },
  { path: /^\/var\/lib\/dbus\/machine-id$/, why: 'a link that is made at boot' },
  {
    path: /^\/var\/lib\/systemd\/(linger|timers|timesync)(\/|$)/,
    why: 'the service manager notes timers and the clock',
  },
  { path: /^\/tmp\/(\.(ICE|X11|XIM|font)-unix$|systemd-private-)/, why: 'folders for running services' },
  { path: /^\/var\/log\/(wtmp|apt\/(history|term)\.log|dpkg\.log)$/, why: 'times' },
  {
    path: /^\/var\/(backups|lib\/logrotate)(\/|$)/,
    why: 'daily work of the system, should its time come during the build',
  },
];

/** Where users are; the one that cloud-init makes at a first boot is in each. */
export const USER_FILES = ['passwd', 'group', 'shadow', 'gshadow', 'subuid', 'subgid'].flatMap((name) => [
  `/etc/${name}`,
  `/etc/${name}-`,
]);

/** Holds an image of two-ways.yaml that was built on its mounted disk beside one that was built on a machine. */
export function assertSameBothWays(direct: DiskContents, vm: DiskContents): void {
  assert.deepEqual(direct.packages, vm.packages);
  assert.deepEqual(direct.enabledUnits, vm.enabledUnits);
  assert.deepEqual(differences(direct.tree, vm.tree), []);
  for (const file of USER_FILES) assert.deepEqual(ownLines(direct.files[file]), ownLines(vm.files[file]), file);
  const { attributes, enabledUnits } = direct;
  assert.deepEqual(attributes, vm.attributes);
  // What the recipe sets, so that a way of looking that sees nothing does not pass.
  const marks = attributes.filter((line) => /^\/(srv|usr\/local)\//.test(line));
  assert.deepEqual(marks, [
    '/srv/linked user.kiln.mark=6f6e652074776f',
    '/srv/shared/release user.kiln.mark=6f6e652074776f',
    // Revision 2, effective; what is permitted: bit 10, net_bind_service.
    '/usr/local/bin/bound security.capability=0100000200040000000000000000000000000000',
    '/usr/local/bin/marked security.capability=0000000200000000002000000000000000000000',
  ]);
  assert.match(direct.tree.get('/usr/local/bin/marked') ?? '', /^f 6755 0:0 /);
  assert.match(direct.tree.get('/srv/shared') ?? '', /^d 2750 /);
  assert.ok(enabledUnits.some((line) => /^marked\.service +enabled +enabled$/.test(line)));
}

function differences(direct: ReadonlyMap<string, string>, vm: ReadonlyMap<string, string>): readonly string[] {
  const paths = [...new Set([...direct.keys(), ...vm.keys()])].toSorted();
  return paths
    .filter((path) => direct.get(path) !== vm.get(path))
    .filter((path) => !MACHINE_LEAVES.some((left) => left.path.test(path)))
    .map((path) => `${path}: ${direct.get(path) ?? 'not there'} directly, ${vm.get(path) ?? 'not there'} on a machine`);
}

/** cloud-init makes the user `debian`, a group of that name and `netdev`, and puts the user into groups. */
function ownLines(text = ''): readonly string[] {
  return text
    .split('\n')
    .filter((line) => !/^(debian|netdev):/.test(line))
    .map((line) =>
      line.replace(/([:,])debian(,|$)/, (_, before, after) => (after === '' && before === ',' ? '' : before)),
    );
}
