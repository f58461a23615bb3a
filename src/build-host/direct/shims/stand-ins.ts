import { lstat, readlink } from 'node:fs/promises';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ChrootBind } from '../../../toe/targets/chroot.ts';
import { NeedsBoot } from '../needs-boot.ts';

const STAND_IN = fileURLToPath(new URL('./stand-in.sh', import.meta.url));
const REAL = '/run/kiln/real';
const FOLDERS = ['/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Programs that ask something of the running system, or write what depends on the machine that they run on. */
const NAMES = [
  // Services and the machine itself.
  ...['systemctl', 'service', 'invoke-rc.d', 'deb-systemd-invoke', 'start-stop-daemon', 'rc-service', 'initctl'],
  ...['reboot', 'poweroff', 'halt', 'shutdown', 'telinit', 'runlevel', 'systemd-run', 'systemd-analyze'],
  ...['busctl', 'hostnamectl', 'timedatectl', 'localectl', 'loginctl', 'networkctl', 'resolvectl', 'machinectl'],
  ...['journalctl', 'udevadm', 'cloud-init', 'snap'],
  // The kernel.
  ...['modprobe', 'insmod', 'rmmod', 'lsmod', 'kmod', 'depmod', 'modinfo', 'sysctl', 'kexec'],
  ...['mount', 'umount', 'swapon', 'swapoff', 'losetup', 'apparmor_parser', 'aa-status', 'setenforce', 'getenforce'],
  ...[
    'iptables',
    'iptables-save',
    'iptables-restore',
    'ip6tables',
    'ip6tables-save',
    'ip6tables-restore',
    'nft',
    'ufw',
  ],
  'firewall-cmd',
  // What the firmware starts.
  ...['update-initramfs', 'update-grub', 'update-grub2', 'grub-mkconfig', 'grub2-mkconfig', 'grub-install'],
  ...['grub2-install', 'dracut', 'kernel-install'],
  // Users, of whom the first boot makes one.
  ...['useradd', 'groupadd', 'newusers'],
  // Containers.
  ...['docker', 'podman', 'buildah', 'nerdctl', 'ctr', 'crictl'],
];

/** One file that holds many programs, most of them not of concern here. */
const MULTI_CALL = ['busybox', 'toybox', 'coreutils'];

/**
 * What has to be mounted so that none of these programs is obeyed or ignored in a container on a root file system.
 *
 * @param root The root folder as this process sees it; nothing must be running on it. Its links are never followed here.
 * @param mounted The same folder as whoever mounts sees it.
 */
export async function standIns(root: string, mounted: string): Promise<readonly ChrootBind[]> {
  const found = new Map<string, string>();
  for (const name of NAMES) {
    for (const folder of FOLDERS) {
      const path = found.has(name) ? undefined : await resolveWithin(root, posix.join(folder, name));
      if (path !== undefined) found.set(name, path);
    }
  }
  for (const path of found.values()) {
    if (MULTI_CALL.includes(posix.basename(path))) throw new NeedsBoot('its programs are those of busybox');
  }
  // The programs first: once a stand-in covers one it cannot be reached any more.
  const real = [...found].map(([name, path]) => ({ source: mounted + path, path: `${REAL}/${name}`, readOnly: true }));
  const covered = [...new Set(found.values())].map((path) => ({ source: STAND_IN, path, readOnly: true }));
  return [...real, ...covered];
}

/** The file that an absolute path leads to within `root`, links resolved as from inside; undefined when there is none. */
export async function resolveWithin(root: string, path: string): Promise<string | undefined> {
  let rest = path.split('/').filter((part) => part !== '');
  let at = '/';
  for (let links = 0; ; ) {
    const [part, ...after] = rest;
    if (part === undefined) break;
    rest = after;
    const next = part === '..' ? posix.dirname(at) : posix.join(at, part);
    const here = await lstat(root + next).catch(() => undefined);
    if (here === undefined) return undefined;
    if (!here.isSymbolicLink()) {
      at = next;
      continue;
    }
    if (++links > 40) return undefined;
    const target = await readlink(root + next);
    if (target.startsWith('/')) at = '/';
    rest = [...target.split('/').filter((word) => word !== '' && word !== '.'), ...rest];
  }
  return (await lstat(root + at).catch(() => undefined))?.isFile() ? at : undefined;
}
