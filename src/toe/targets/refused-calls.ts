/** Machines whose system calls are known here, as Node names them. */
export type CallMachine = 'x64' | 'arm64';

/** What a program is told: that it may not, or that this system has no such call. After the latter it tries another way. */
export type Refusal = 'EPERM' | 'ENOSYS';

/**
 * System calls that no program in a container needs in order to change files, and that act on the machine as a whole or have
 * been ways out of containers. Most need capabilities that are not there either. Numbers: Linux, `asm/unistd_64.h` and
 * `asm-generic/unistd.h`; undefined where a machine has no such call.
 */
export const REFUSED_CALLS: readonly {
  readonly name: string;
  readonly x64: number;
  readonly arm64?: number;
  readonly refusal?: Refusal;
}[] = [
  // File systems.
  { name: 'mount', x64: 165, arm64: 40 },
  { name: 'umount2', x64: 166, arm64: 39 },
  { name: 'pivot_root', x64: 155, arm64: 41 },
  { name: 'fsopen', x64: 430, arm64: 430 },
  { name: 'fsconfig', x64: 431, arm64: 431 },
  { name: 'fsmount', x64: 432, arm64: 432 },
  { name: 'fspick', x64: 433, arm64: 433 },
  { name: 'move_mount', x64: 429, arm64: 429 },
  { name: 'open_tree', x64: 428, arm64: 428 },
  { name: 'mount_setattr', x64: 442, arm64: 442 },
  { name: 'open_by_handle_at', x64: 304, arm64: 265 },
  { name: 'fanotify_init', x64: 300, arm64: 262 },
  { name: 'quotactl', x64: 179, arm64: 60 },
  { name: 'quotactl_fd', x64: 443, arm64: 443 },
  { name: 'nfsservctl', x64: 180, arm64: 42 },
  { name: 'swapon', x64: 167, arm64: 224 },
  { name: 'swapoff', x64: 168, arm64: 225 },
  { name: 'ustat', x64: 136 },
  { name: 'sysfs', x64: 139 },
  // Namespaces.
  { name: 'unshare', x64: 272, arm64: 97 },
  { name: 'setns', x64: 308, arm64: 268 },
  { name: 'sethostname', x64: 170, arm64: 161 },
  { name: 'setdomainname', x64: 171, arm64: 162 },
  // Its flags are in memory, where a filter cannot see them: the C library goes on with `clone`.
  { name: 'clone3', x64: 435, arm64: 435, refusal: 'ENOSYS' },
  // The kernel and its modules.
  { name: 'init_module', x64: 175, arm64: 105 },
  { name: 'finit_module', x64: 313, arm64: 273 },
  { name: 'delete_module', x64: 176, arm64: 106 },
  { name: 'create_module', x64: 174 },
  { name: 'query_module', x64: 178 },
  { name: 'get_kernel_syms', x64: 177 },
  { name: 'kexec_load', x64: 246, arm64: 104 },
  { name: 'kexec_file_load', x64: 320, arm64: 294 },
  { name: 'reboot', x64: 169, arm64: 142 },
  { name: 'bpf', x64: 321, arm64: 280 },
  { name: 'perf_event_open', x64: 298, arm64: 241 },
  { name: 'userfaultfd', x64: 323, arm64: 282 },
  { name: 'syslog', x64: 103, arm64: 116 },
  { name: 'acct', x64: 163, arm64: 89 },
  { name: '_sysctl', x64: 156 },
  { name: 'uselib', x64: 134 },
  { name: 'lookup_dcookie', x64: 212, arm64: 18 },
  { name: 'ioperm', x64: 173 },
  { name: 'iopl', x64: 172 },
  { name: 'vhangup', x64: 153, arm64: 58 },
  // Work that is handed in this way is not seen by a filter.
  { name: 'io_uring_setup', x64: 425, arm64: 425, refusal: 'ENOSYS' },
  { name: 'io_uring_enter', x64: 426, arm64: 426, refusal: 'ENOSYS' },
  { name: 'io_uring_register', x64: 427, arm64: 427, refusal: 'ENOSYS' },
  // The clock.
  { name: 'settimeofday', x64: 164, arm64: 170 },
  { name: 'clock_settime', x64: 227, arm64: 112 },
  { name: 'clock_adjtime', x64: 305, arm64: 266 },
  // Other processes, and keys, which are not divided by namespaces.
  { name: 'ptrace', x64: 101, arm64: 117 },
  { name: 'process_vm_readv', x64: 310, arm64: 270 },
  { name: 'process_vm_writev', x64: 311, arm64: 271 },
  { name: 'process_madvise', x64: 440, arm64: 440 },
  { name: 'pidfd_getfd', x64: 438, arm64: 438 },
  { name: 'kcmp', x64: 312, arm64: 272 },
  { name: 'add_key', x64: 248, arm64: 217 },
  { name: 'request_key', x64: 249, arm64: 218 },
  { name: 'keyctl', x64: 250, arm64: 219 },
];

/** The newest call that is known here, the same on all machines. A call above it may do anything: there is no such call. */
export const LAST_KNOWN_CALL = 462;

/** Calls of which only some uses are refused, with EPERM. */
export const CALLS_BY_ARGUMENT: readonly {
  readonly name: string;
  readonly x64: number;
  readonly arm64: number;
  /** Which argument decides, from 0; its lower 32 bits are looked at. */
  readonly argument: number;
  /** Refused with any of these bits; or with one of these values; or with any but these. */
  readonly refuse:
    | { readonly bits: number }
    | { readonly values: readonly number[] }
    | { readonly allBut: readonly number[] };
}[] = [
  // New namespaces: mounts, control groups, host name, IPC, users, processes, network.
  { name: 'clone', x64: 56, arm64: 220, argument: 0, refuse: { bits: 0x7e02_0000 } },
  // Linux, 32 bits, an older version number; the last asks what it is.
  {
    name: 'personality',
    x64: 135,
    arm64: 92,
    argument: 0,
    refuse: { allBut: [0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff] },
  },
  // Unix, IPv4, IPv6, netlink, packets: the others are not divided by namespaces (vsock) or are seldom looked after.
  { name: 'socket', x64: 41, arm64: 198, argument: 0, refuse: { allBut: [1, 2, 10, 16, 17] } },
  // Typing into a terminal that somebody sits at.
  { name: 'ioctl', x64: 16, arm64: 29, argument: 1, refuse: { values: [0x5412, 0x541c] } },
];
