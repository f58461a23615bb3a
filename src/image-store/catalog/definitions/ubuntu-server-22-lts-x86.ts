import type { CatalogDefinition } from '../definition.types.ts';

export const ubuntuServer22LtsX86: CatalogDefinition = {
  name: 'ubuntu-server-22-lts-x86',
  displayName: 'Ubuntu Server 22 LTS x86',
  osVersion: 'Ubuntu 22',
  architecture: 'x86_64',
  description: 'Ubuntu Server 22.04 LTS (jammy), Canonical’s image for clouds.',
  sources: [
    {
      kind: 'cloud-image',
      checksums: 'https://cloud-images.ubuntu.com/releases/jammy/release/SHA256SUMS',
      algorithm: 'sha256',
      file: /^ubuntu-22\.04-server-cloudimg-amd64\.img$/,
      signature: {
        url: 'https://cloud-images.ubuntu.com/releases/jammy/release/SHA256SUMS.gpg',
        keyring: '/usr/share/keyrings/ubuntu-cloudimage-keyring.gpg',
        debianPackage: 'ubuntu-cloudimage-keyring',
      },
    },
  ],
};
