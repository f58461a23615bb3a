import type { ComponentDocument, InputValue, Step } from '../documents/component.ts';

/** A place in a document that only a running system can obey. */
export interface RunningSystemNeed {
  readonly phase: string;
  readonly step: string;
  /** What it is, for people: `starts a service`. */
  readonly why: string;
}

/** A command at its place in a shell script: at the start of a line, after `sudo`, `&&`, `|`, `;`, `$(`, `if` … */
const COMMAND = String.raw`(?:^|[;&|({]|\$\(|\`|\b(?:sudo|exec|then|else|do|if|while|time|nohup|env)\s+(?:-\S+\s+)*)\s*(?:\S*/)?`;

const command = (words: string): RegExp => new RegExp(`${COMMAND}(?:${words})(?![\\w.-])`, 'm');

/**
 * What scripts say when they need a running system. A need that is found too often costs a boot; one that is not found is
 * caught when it runs (build-host/direct/shims), so this list need not be complete.
 */
const SCRIPT_NEEDS: readonly { readonly pattern: RegExp; readonly why: string }[] = [
  { pattern: /\bexit\s+194\b/, why: 'asks for a reboot (exit 194)' },
  { pattern: command('reboot|shutdown|poweroff|halt|telinit|init\\s+[0-6]|kexec'), why: 'restarts the machine' },
  {
    pattern: command(
      'systemctl(?:\\s+-\\S+)*\\s+(?:start|stop|restart|reload|try-restart|reload-or-restart|try-reload-or-restart|condrestart|isolate|kill|status|show|is-active|is-failed|is-system-running|list-units|reset-failed|set-property|reboot|poweroff|halt|rescue|suspend)',
    ),
    why: 'asks the service manager',
  },
  { pattern: /\bsystemctl\b[^\n]*\s--now\b/, why: 'starts or stops a service' },
  {
    pattern: command('service\\s+\\S+\\s+\\S+|rc-service|invoke-rc\\.d|start-stop-daemon|systemd-run'),
    why: 'asks the service manager',
  },
  { pattern: /(?:^|[\s;&|])\/etc\/init\.d\/\S+\s+\w+/m, why: 'asks the service manager' },
  { pattern: command('modprobe|insmod|rmmod|lsmod|dkms'), why: 'works with modules of the kernel' },
  { pattern: command('sysctl'), why: 'works with settings of the kernel' },
  { pattern: /(?:>|\btee\b)[^\n]*\s*\/(?:proc|sys)\//, why: 'works with settings of the kernel' },
  // On the mounted disk these are the build host's.
  {
    pattern: command(
      'uname(?:\\s+-\\S+)*\\s+(?:-\\w*[arv]\\w*|--all|--kernel-(?:release|version))|lscpu|lsmem|nproc|free(?=(?:\\s+-\\S+)*\\s*(?:[|)>;&`]|$))|getconf\\s+_(?:NPROCESSORS|PHYS|AVPHYS)\\w*|dmidecode|systemd-detect-virt',
    ),
    why: 'asks for the kernel or the size of the machine',
  },
  {
    pattern: /\/proc\/(?:(?:cpuinfo|meminfo|version|cmdline|modules)\b|sys\/(?!kernel\/random\/))/,
    why: 'asks for the kernel or the size of the machine',
  },
  {
    pattern: command(
      'mount|umount|swapon|swapoff|losetup|mkfs\\S*|parted|sfdisk|fdisk|growpart|resize2fs|xfs_growfs|lvextend|pvcreate|vgcreate|lvcreate',
    ),
    why: 'works with disks',
  },
  {
    pattern: command('docker|podman|nerdctl|ctr|crictl|buildah|kubectl|kubeadm|snap|lxc'),
    why: 'works with containers',
  },
  {
    pattern: /169\.254\.169\.254|\bfd00:ec2::254\b|\bec2-?metadata\b|\bcloud-init\b/,
    why: 'asks for the metadata of the instance',
  },
  { pattern: command('iptables\\S*|ip6tables\\S*|nft|ufw|firewall-cmd'), why: 'works with the firewall' },
  {
    pattern: command(
      'hostnamectl|timedatectl|localectl|loginctl|networkctl|resolvectl|busctl|udevadm|journalctl|setenforce|getenforce|apparmor_parser|aa-\\w+',
    ),
    why: 'asks a service of the system',
  },
  {
    pattern: command('update-grub2?|grub2?-install|grub2?-mkconfig|update-initramfs|dracut|mkinitcpio|kernel-install'),
    why: 'writes what the machine boots with',
  },
  { pattern: /\/home\/|~\w/, why: 'uses the home folder of a user, which the first boot may make' },
  { pattern: /\blinux-(?:image|headers|modules)\b|\bkernel(?:-core|-devel)?-\d/, why: 'installs a kernel' },
];

/** The first place in the phases of a document that needs a running system; undefined when none is seen. */
export function runningSystemNeed(
  document: ComponentDocument,
  phases: readonly string[],
): RunningSystemNeed | undefined {
  for (const phase of document.phases) {
    if (!phases.includes(phase.name)) continue;
    for (const step of phase.steps) {
      const why = needOf(step);
      if (why !== undefined) return { phase: phase.name, step: step.name, why };
    }
  }
  return undefined;
}

function needOf(step: Step): string | undefined {
  if (step.action === 'Reboot') return 'asks for a reboot';
  const text = step.inputs.flatMap((inputs) => Object.values(inputs).flatMap(textsOf)).join('\n');
  if (step.action === 'ExecuteBinary') {
    const words = step.inputs.map((inputs) => Object.values(inputs).flatMap(textsOf).join(' ')).join('\n');
    return needOfScript(words);
  }
  if (step.action === 'ExecuteBash') return needOfScript(withoutComments(text));
  return /169\.254\.169\.254/.test(text) ? 'asks for the metadata of the instance' : undefined;
}

function needOfScript(script: string): string | undefined {
  const read = script.replace(HELPERS, '$1');
  return SCRIPT_NEEDS.find(({ pattern }) => pattern.test(read))?.why;
}

/** `make -j$(nproc)`: how many helpers a program has while it works is not in what it makes. */
const HELPERS =
  /(?<!\S)(-[jPT]|--(?:jobs|parallel|max-procs|threads))[\s=]*["']?(?:\$\(\(\s*)?(?:\$\(\s*nproc\s*\)|`\s*nproc\s*`)/g;

/** A `#` that begins a word begins a comment, unless it is quoted; then the line is kept whole, which can only cost a boot. */
function withoutComments(script: string): string {
  return script
    .split('\n')
    .map((line) => (/['"]/.test(line) ? line : line.replace(/(^|\s)#.*$/, '$1')))
    .join('\n');
}

function textsOf(value: InputValue): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(textsOf);
  if (typeof value === 'object') return Object.values(value).flatMap(textsOf);
  return [String(value)];
}
