import type { CatalogDefinition } from '../definition.types.ts';

export const amazonLinux2023X86: CatalogDefinition = {
  name: 'amazon-linux-2023-x86',
  displayName: 'Amazon Linux 2023 x86',
  osVersion: 'Amazon Linux 2023',
  architecture: 'x86_64',
  description: 'Amazon Linux 2023, Amazon’s image for KVM.',
  sources: [
    {
      kind: 'cloud-image',
      checksums: 'https://cdn.amazonlinux.com/al2023/os-images/latest/kvm/SHA256SUMS',
      algorithm: 'sha256',
      file: /^al2023-kvm-[0-9.]+-kernel-[0-9.]+-x86_64\.xfs\.gpt\.qcow2$/,
    },
  ],
};
