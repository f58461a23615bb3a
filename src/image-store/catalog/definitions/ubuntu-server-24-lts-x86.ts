import type { CatalogDefinition } from '../definition.types.ts';

export const ubuntuServer24LtsX86: CatalogDefinition = {
  name: 'ubuntu-server-24-lts-x86',
  displayName: 'Ubuntu Server 24 LTS x86',
  osVersion: 'Ubuntu 24',
  architecture: 'x86_64',
  description: 'Ubuntu Server 24.04 LTS (noble), Canonical’s image for clouds.',
  sources: [
    {
      kind: 'cloud-image',
      checksums: 'https://cloud-images.ubuntu.com/releases/noble/release/SHA256SUMS',
      algorithm: 'sha256',
      file: /^ubuntu-24\.04-server-cloudimg-amd64\.img$/,
      signature: {
        url: 'https://cloud-images.ubuntu.com/releases/noble/release/SHA256SUMS.gpg',
        keyring: '/usr/share/keyrings/ubuntu-cloudimage-keyring.gpg',
        debianPackage: 'ubuntu-cloudimage-keyring',
      },
    },
  ],
};
