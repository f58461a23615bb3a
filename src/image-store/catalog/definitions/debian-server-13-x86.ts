import type { CatalogDefinition } from '../definition.types.ts';

export const debianServer13X86: CatalogDefinition = {
  name: 'debian-server-13-x86',
  displayName: 'Debian 13 x86',
  osVersion: 'Debian 13',
  architecture: 'x86_64',
  description: 'Debian 13 (trixie) with cloud-init and OpenSSH, booted by BIOS.',
  sources: [
    // First, because packages are checked against Debian's own keys and are the newest there are.
    { kind: 'debian-bootstrap', suite: 'trixie' },
    {
      kind: 'cloud-image',
      checksums: 'https://cloud.debian.org/images/cloud/trixie/latest/SHA512SUMS',
      algorithm: 'sha512',
      file: /^debian-13-generic-amd64\.qcow2$/,
    },
  ],
};
