import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMetadata } from './collect-image-metadata.ts';

test('name and version of os-release make the OS version; packages come sorted', () => {
  const output = `PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
--packages--
nginx\t1.22.1-9
libc6\t2.36-9+deb12u4
`;
  assert.deepEqual(parseMetadata(output), {
    osVersion: 'Debian GNU/Linux 12',
    packages: [
      { name: 'libc6', version: '2.36-9+deb12u4' },
      { name: 'nginx', version: '1.22.1-9' },
    ],
  });
});

test('values are unquoted as a shell would, and a rolling release has no version', () => {
  assert.equal(parseMetadata("NAME='Arch Linux'\nID=arch\n--packages--\n").osVersion, 'Arch Linux');
  assert.equal(parseMetadata('NAME="A \\"b\\" c"\nVERSION_ID=1\n--packages--\n').osVersion, 'A "b" c 1');
});

test('a guest that says nothing has no OS version and no packages', () => {
  assert.deepEqual(parseMetadata('--packages--\n'), { osVersion: undefined, packages: [] });
});
