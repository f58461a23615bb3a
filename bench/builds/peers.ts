import { execFileSync } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CPU_MODELS } from '../../src/build-host/qemu/qemu-command.ts';
import { type Measured, measure } from './measure.ts';
import type { BenchComponent } from './recipes.ts';

/** Another tool that makes the same image of the same disk. */
export interface Peer {
  readonly name: string;
  readonly program: string;
  /** Debian package. */
  readonly package: string;
  build(base: string, components: readonly BenchComponent[], folder: string): Promise<Measured>;
}

const LIMIT_SECONDS = 1800;
const commandsOf = (components: readonly BenchComponent[]): readonly string[] =>
  components.flatMap(({ commands }) => commands);

/** Without KVM like Kiln's machines, with the same processor, memory and compression of the result. */
const packer: Peer = {
  name: 'packer',
  program: 'packer',
  package: 'packer',
  build: async (base, components, folder) => {
    await rm(folder, { recursive: true, force: true });
    await mkdir(join(folder, 'http'), { recursive: true });
    const key = join(folder, 'key');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    const publicKey = execFileSync('ssh-keygen', ['-y', '-f', key], { encoding: 'utf8' }).trim();
    const userData = `#cloud-config\ndisable_root: false\nssh_authorized_keys:\n  - ${publicKey}\nusers:\n  - name: root\n    ssh_authorized_keys:\n      - ${publicKey}\n`;
    await writeFile(join(folder, 'http', 'user-data'), userData);
    await writeFile(join(folder, 'http', 'meta-data'), 'instance-id: bench\n');
    const template = {
      builders: [
        {
          type: 'qemu',
          iso_url: base,
          iso_checksum: 'none',
          disk_image: true,
          use_backing_file: false,
          disk_compression: true,
          format: 'qcow2',
          accelerator: 'tcg',
          headless: true,
          cpus: 2,
          memory: 2048,
          disk_interface: 'virtio',
          net_device: 'virtio-net',
          http_directory: join(folder, 'http'),
          qemuargs: [
            ['-cpu', CPU_MODELS.tcg],
            ['-smbios', 'type=1,serial=ds=nocloud-net;s=http://{{ .HTTPIP }}:{{ .HTTPPort }}/'],
          ],
          ssh_username: 'root',
          ssh_private_key_file: key,
          ssh_timeout: '15m',
          shutdown_command: 'poweroff',
          output_directory: join(folder, 'out'),
        },
      ],
      provisioners: [{ type: 'shell', inline: ['set -e', ...commandsOf(components)] }],
    };
    const file = join(folder, 'template.json');
    await writeFile(file, JSON.stringify(template));
    const env = { PACKER_CACHE_DIR: join(folder, 'cache'), CHECKPOINT_DISABLE: '1' };
    return measure('packer', ['build', file], { env, limitSeconds: LIMIT_SECONDS });
  },
};

const virtCustomize: Peer = {
  name: 'virt-customize',
  program: 'virt-customize',
  package: 'libguestfs-tools',
  build: async (base, components, folder) => {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    const script = [
      'set -e',
      'qemu-img create -q -f qcow2 -b "$1" -F qcow2 work.qcow2',
      'shift',
      'virt-customize --quiet --smp 2 --memsize 2048 -a work.qcow2 "$@"',
      'qemu-img convert -c -O qcow2 work.qcow2 out.qcow2',
    ].join('\n');
    const commands = commandsOf(components).flatMap((command) => ['--run-command', command]);
    return measure('sh', ['-c', script, 'sh', base, ...commands], {
      cwd: folder,
      env: { LIBGUESTFS_BACKEND: 'direct', LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg' },
      limitSeconds: LIMIT_SECONDS,
    });
  },
};

/**
 * Cannot start from a disk: it makes Debian anew with the packages, so it stands beside the others, not against them. It makes
 * an archive, because its disks need device files of partitions, which not every machine gives to loop devices.
 */
const mkosi: Peer = {
  name: 'mkosi',
  program: 'mkosi',
  package: 'mkosi',
  build: async (_base, components, folder) => {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    const script = join(folder, 'mkosi.postinst');
    await writeFile(
      script,
      ['#!/bin/sh', 'set -e', '[ "$1" = final ] || exit 0', ...commandsOf(components), ''].join('\n'),
      { mode: 0o755 },
    );
    const args = ['--distribution', 'debian', '--release', 'bookworm', '--format', 'tar', '--force'];
    return measure('mkosi', [...args, '--with-network', '--output', join(folder, 'out.tar')], {
      cwd: folder,
      limitSeconds: LIMIT_SECONDS,
    });
  },
};

export const PEERS: readonly Peer[] = [packer, virtCustomize, mkosi];
