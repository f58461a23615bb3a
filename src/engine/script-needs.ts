/**
 * A command at its place in a shell script: at the start of a line, after `&&`, `|`, `;`, `$(`, `if`, `sudo -u NAME`, `sh -c "`,
 * with variables before it or without.
 */
const COMMAND = [
  String.raw`(?:^|[;&|({]|\$\(|\`|\s-c\s+["']|\b(?:exec|then|else|do|if|while|time|nohup|env)\s+(?:-\S+\s+)*|\bsudo\s+(?:-[ughpCDRT]\s+[^\s-]\S*\s+|-\S+\s+)*|\brunuser\s+-\S+\s+\S+\s+(?:--\s+)?)`,
  String.raw`\s*(?:[A-Za-z_]\w*=\S*\s+)*(?:\S*/)?`,
].join('');

const command = (words: string): RegExp => new RegExp(`${COMMAND}(?:${words})(?![\\w.-])`, 'm');

/**
 * What scripts say when they need a running system. A need that is found too often costs a boot; one that is not found is
 * caught when it runs (build-host/direct/shims), so this list need not be complete.
 */
export const SCRIPT_NEEDS: readonly { readonly pattern: RegExp; readonly why: string }[] = [
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
  { pattern: command('findmnt|lsblk|blkid'), why: 'asks for disks' },
  { pattern: /\/dev\/(?:nvme|xvd|[sv]d[a-z]|disk\/)/, why: 'asks for disks' },
  {
    pattern: command(
      'ip(?:\\s+-\\S+)*\\s+(?:a|addr|address|r|ro|route|l|link|n|neigh)|hostname\\s+(?:-\\w*[AiI]\\w*|--all-\\S+|--ip-\\S+)|ifconfig|route|ss|netstat',
    ),
    why: 'asks for the network of the machine',
  },
  { pattern: command('pgrep|pidof|pkill|killall'), why: 'asks for what runs' },
  {
    pattern: /\/run\/systemd\/|\/proc\/1\/|\bps\s+(?:-\S+\s+)*-{0,2}p(?:id)?[\s=]*1\b/,
    why: 'asks for the service manager',
  },
  // Services that packages have installed do not run here. A script goes on behind a client that fails, if it is not told not to.
  {
    pattern: command(
      'psql|createdb|createuser|dropdb|dropuser|pg_isready|pg_dump|pg_restore|mysql|mysqladmin|mysqldump|mysql_secure_installation|mariadb(?:-(?:admin|dump|secure-installation))?|redis-cli|valkey-cli|mongo|mongosh|rabbitmqctl|rabbitmqadmin|influx|cqlsh|nodetool|ldapadd|ldapmodify|ldapsearch|etcdctl|virsh|nginx\\s+-s|apachectl\\s+(?!-[tvVSM]|configtest)\\S+|supervisorctl|fail2ban-client|chronyc|postqueue|lpadmin',
    ),
    why: 'asks a service',
  },
  {
    pattern: new RegExp(
      `${COMMAND}(?:curl|wget|nc|ncat|telnet)\\b[^\\n]*(?:\\blocalhost\\b|\\b127\\.0\\.0\\.1\\b|\\[::1\\])`,
      'm',
    ),
    why: 'asks a service of its own machine',
  },
  { pattern: /(?:\[\[?|\btest)\s+(?:!\s+)?-S\s/, why: 'asks for the socket of a service' },
  { pattern: /(?:\bcat|<)\s*\/(?:etc|var\/lib\/dbus)\/machine-id\b/, why: 'asks for the id of the machine' },
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
  {
    pattern: new RegExp(
      `${COMMAND}(?:id|usermod|gpasswd|passwd|chage|chown|chgrp|install|getent|su|runuser)\\b[^\\n]*(?<![\\w./-])(?:admin|debian|ubuntu|ec2-user|cloud-user|centos|fedora|rocky|almalinux)(?![\\w./-])`,
      'm',
    ),
    why: 'uses the user that the first boot makes',
  },
  { pattern: command('(?:id(?:\\s+-\\S+)*|getent\\s+passwd)\\s+1000'), why: 'uses the user that the first boot makes' },
  { pattern: /\/home\/|~\w/, why: 'uses the home folder of a user, which the first boot may make' },
  { pattern: /\blinux-(?:image|headers|modules)\b|\bkernel(?:-core|-devel)?-\d/, why: 'installs a kernel' },
];
