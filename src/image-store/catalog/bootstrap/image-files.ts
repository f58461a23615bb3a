/** A file that is laid into an image. */
export interface ImageFile {
  /** Absolute in the image. */
  readonly path: string;
  readonly content: string;
}

/**
 * For kernel messages and a login on the first serial port, which is what clouds and Kiln's log show. The kernel is not to
 * see whether timer interrupts come within some milliseconds: an emulated machine whose host is busy fails that, and panics.
 */
export const KERNEL_ARGUMENTS = 'console=tty0 console=ttyS0,115200n8 loglevel=5 no_timer_check';

export interface ImageFacts {
  readonly rootUuid: string;
  /** deb822. */
  readonly sources: string;
}

/** Files that must be there before the kernel is installed, because that makes the initial RAM disk. */
export const EARLY_FILES: readonly ImageFile[] = [
  {
    path: '/etc/initramfs-tools/conf.d/image.conf',
    content: `# What finds the root file system on the usual virtual and physical machines, and no more: loading
# the RAM disk is a good part of the time to boot. "MODULES=most" brings everything.
MODULES=list
COMPRESS=lz4
`,
  },
  {
    path: '/etc/initramfs-tools/modules',
    content: `${[
      'virtio_pci',
      'virtio_blk',
      'virtio_scsi',
      'nvme',
      'ahci',
      'ata_piix',
      'ata_generic',
      'sd_mod',
      'sr_mod',
      'xen-blkfront',
      'hv_storvsc',
      'vmw_pvscsi',
      'mptspi',
      'ext4',
    ].join('\n')}\n`,
  },
];

/** The image's own settings. Each says why it is not the distribution's default. */
export function imageFiles({ rootUuid, sources }: ImageFacts): readonly ImageFile[] {
  return [
    { path: '/etc/apt/sources.list.d/debian.sources', content: sources },
    {
      path: '/etc/apt/apt.conf.d/20image',
      content: `// Translated descriptions of packages are two thirds of what apt-get update fetches and reads.
Acquire::Languages "none";
`,
    },
    { path: '/etc/fstab', content: `UUID=${rootUuid} / ext4 rw,discard,errors=remount-ro 0 1\n` },
    { path: '/etc/hostname', content: 'debian\n' },
    {
      path: '/etc/hosts',
      content: '127.0.0.1 localhost\n127.0.1.1 debian\n::1 localhost ip6-localhost ip6-loopback\n',
    },
    { path: '/etc/default/locale', content: 'LANG=C.UTF-8\n' },
    {
      path: '/etc/default/grub.d/10_image.cfg',
      content: `GRUB_TIMEOUT=0
GRUB_CMDLINE_LINUX_DEFAULT=""
GRUB_CMDLINE_LINUX="${KERNEL_ARGUMENTS}"
GRUB_TERMINAL="console serial"
GRUB_SERIAL_COMMAND="serial --speed=115200"
GRUB_DISABLE_OS_PROBER=true
`,
    },
    {
      path: '/etc/systemd/network/90-dhcp.network',
      content: `# For machines on which cloud-init finds nobody to ask; its own files come before this one.
[Match]
Name=en* eth*

[Network]
DHCP=yes
`,
    },
    {
      path: '/etc/systemd/system/network-address.service',
      content: `# In place of systemd-networkd-wait-online.service, for which cloud-init would wait before it starts, also where
# its data comes from a disk. What needs a network waits for network-online.target as ever.
[Unit]
Description=First network address
DefaultDependencies=no
Conflicts=shutdown.target
Requires=systemd-networkd.service
After=systemd-networkd.service
Before=network-online.target shutdown.target

[Service]
Type=oneshot
ExecStart=/lib/systemd/systemd-networkd-wait-online --any --timeout=60
RemainAfterExit=yes

[Install]
WantedBy=network-online.target
`,
    },
    { path: '/etc/ssh/sshd_config.d/10-image.conf', content: 'UseDNS no\n' },
    {
      path: '/etc/systemd/system/ssh-host-key.service',
      content: `[Unit]
Description=Host key of the SSH server, where cloud-init made none
After=cloud-init.service
Before=ssh.service
ConditionPathExistsGlob=!/etc/ssh/ssh_host_*_key

[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key

[Install]
WantedBy=ssh.service
`,
    },
    {
      path: '/etc/cloud/cloud.cfg.d/10_image.cfg',
      content: `# Asked in this order; the last one is no answer.
datasource_list: [NoCloud, ConfigDrive, Ec2, None]
# The others take long to make.
ssh_genkeytypes: [ed25519]
# As in /etc/default/locale, so that nothing is written or generated.
locale: C.UTF-8
# GRUB is not asked where it should be installed.
grub_dpkg: {enabled: false}
apt:
  # The image's mirrors stay as they are.
  preserve_sources_list: true
system_info:
  network:
    renderers: [networkd]
`,
    },
    // Empty: a machine makes its own at its first boot.
    { path: '/etc/machine-id', content: '' },
  ];
}

export const SERVICES = {
  enable: ['systemd-networkd.service', 'network-address.service', 'systemd-resolved.service', 'ssh-host-key.service'],
  /** The first two are checks of LVM snapshots, which this image has none of. */
  disable: ['e2scrub_reap.service', 'e2scrub_all.timer', 'systemd-networkd-wait-online.service'],
} as const;
