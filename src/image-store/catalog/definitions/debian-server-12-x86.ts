import type { CatalogDefinition } from '../definition.types.ts';

export const debianServer12X86: CatalogDefinition = {
  name: 'debian-server-12-x86',
  displayName: 'Debian 12 x86',
  osVersion: 'Debian 12',
  architecture: 'x86_64',
  description: 'Debian 12 (bookworm) with cloud-init and OpenSSH, booted by BIOS.',
  sources: [
    // First, because packages are checked against Debian's own keys and are the newest there are.
    { kind: 'debian-bootstrap', suite: 'bookworm' },
    {
      kind: 'cloud-image',
      checksums: 'https://cloud.debian.org/images/cloud/bookworm/latest/SHA512SUMS',
      algorithm: 'sha512',
      file: /^debian-12-generic-amd64\.qcow2$/,
    },
  ],
};
