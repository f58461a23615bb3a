/**
 * What is in a Debian base image beside the packages that Debian calls required. Left out on purpose:
 * - libpam-systemd: each SSH connection would start a session and a user manager, seconds under emulation. Packages
 *   that need sessions pull it in.
 * - grub-pc: its configuration wants to know a disk to install to; what update-grub needs is in grub2-common.
 */
export const DEBIAN_PACKAGES: readonly string[] = [
  'ca-certificates',
  'cloud-guest-utils',
  'cloud-init',
  'curl',
  'dbus',
  'fdisk',
  'gdisk',
  'grub-pc-bin',
  'grub2-common',
  'initramfs-tools',
  'iproute2',
  'iputils-ping',
  'kmod',
  'less',
  'linux-image-cloud-amd64',
  'locales',
  'lz4',
  'netbase',
  'openssh-server',
  'procps',
  'sudo',
  'systemd',
  'systemd-resolved',
  'systemd-sysv',
  'systemd-timesyncd',
  'udev',
  'vim-tiny',
];
