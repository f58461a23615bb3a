import type { Accelerator } from './accelerator.ts';
import { FILES } from './instance-record.ts';
import type { MachineShape } from './instance-types.ts';
import type { QemuPrograms } from './programs.ts';

/** What a QEMU process is told. All files lie in its working directory. */
export interface MachineSpec {
  readonly instanceId: string;
  /** For people who look at process lists. */
  readonly owner: string;
  readonly accelerator: Accelerator;
  readonly shape: MachineShape;
  readonly volumes: readonly VolumeSpec[];
  /** Waits for a saved state in place of booting. */
  readonly incoming?: boolean;
}

export interface VolumeSpec {
  readonly file: string;
  /** What the guest sees as the disk's serial, at most 20 characters. */
  readonly serial: string;
}

/**
 * Places on the PCI bus. They are fixed, for names of network interfaces depend on them and a saved machine state
 * only fits a machine with the same ones. Disks are named `vda`, `vdb` … by their order here: the seed comes last.
 */
const PCI = { network: 3, root: 4, firstVolume: 5, lastVolume: 29, seed: 30 } as const;

/** How many volumes beside the root volume fit. */
export const MOST_VOLUMES = PCI.lastVolume - PCI.firstVolume + 1;

/**
 * A named CPU model gives the same machine on every host, and a saved machine state fits everywhere.
 *
 * Under emulation it calls itself an Atom of 2011 (model 54): a Linux knows that those do not speculate, as an emulated
 * processor does not, and leaves out what protects others: page tables that change twice in every system call, indirect calls by way
 * of returns. And it fills and copies memory by words, not byte by byte as it does where `erms` says that this is fast.
 * (docs/decisions/051-one-machine-everywhere.md)
 */
export const CPU_MODELS: Readonly<Record<Accelerator, string>> = {
  kvm: 'Haswell-noTSX',
  tcg: 'Haswell-noTSX,model=54,erms=off',
};

/**
 * Becomes the program that follows, whose memory is given out in small pages: 41 is PR_SET_THP_DISABLE, the number of prctl that
 * of the host. QEMU asks for huge ones; the pages of a saved state lie scattered, so that nearly all memory would be
 * filled with zeros first, which takes as long as the rest of going on from it.
 */
const IN_SMALL_PAGES = 'syscall($ARGV[0] + 0, 41, 1, 0, 0, 0); shift; exec { $ARGV[0] } @ARGV or die "$ARGV[0]: $!\n"';
const PRCTL: Readonly<Partial<Record<NodeJS.Architecture, number>>> = { x64: 157, arm64: 167 };

/** Program and arguments that start a machine. It waits for QMP's `cont`. */
export function qemuCommand(
  { qemuSystem, perl }: QemuPrograms,
  spec: MachineSpec,
  architecture: NodeJS.Architecture,
): readonly [string, ...string[]] {
  const prctl = PRCTL[architecture];
  const isEmulated = spec.accelerator === 'tcg';
  const before =
    spec.incoming === true && isEmulated && prctl !== undefined ? [perl, '-e', IN_SMALL_PAGES, String(prctl)] : [];
  const [program = qemuSystem, ...more] = [...before, qemuSystem];
  return [program, ...more, ...qemuArguments(spec)];
}

/** The arguments alone, which are what the machine is. */
export function qemuArguments(spec: MachineSpec): readonly string[] {
  return [
    ...['-name', `guest=${escapeCommas(`${spec.instanceId} ${spec.owner}`)}`],
    ...['-no-user-config', '-nodefaults', '-nographic', '-S'],
    ...(spec.incoming === true ? ['-incoming', 'defer'] : []),
    ...['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
    ...['-machine', 'pc,hpet=off,usb=off,vmport=off,dump-guest-core=off'],
    ...['-accel', spec.accelerator === 'kvm' ? 'kvm' : 'tcg,thread=multi'],
    ...['-cpu', CPU_MODELS[spec.accelerator]],
    ...['-smp', String(spec.shape.vcpus), '-m', `${spec.shape.memoryMiB}M`],
    ...['-rtc', 'base=utc', '-boot', 'strict=on,menu=off'],
    ...['-chardev', `socket,id=qmp,path=${FILES.qmp},server=on,wait=off`, '-mon', 'chardev=qmp,mode=control'],
    ...['-chardev', `socket,id=console,path=${FILES.console},server=on,wait=off`],
    // Tells a guest that goes on from a saved state that it does, and must not draw the random numbers of another.
    ...['-device', 'vmgenid,guid=auto'],
    ...['-device', 'isa-serial,chardev=console'],
    // Port 0: the kernel chooses a free one, and nobody can take it in between.
    ...['-netdev', 'user,id=network,ipv6=off,hostfwd=tcp:127.0.0.1:0-:22'],
    ...['-device', `virtio-net-pci,netdev=network,mac=52:54:00:12:34:56,romfile=,addr=${hex(PCI.network)}`],
    ...disk({ id: 'root', file: FILES.rootDisk, format: 'qcow2', address: PCI.root, serial: 'root', boot: true }),
    ...spec.volumes.flatMap(({ file, serial }, index) =>
      disk({ id: `volume${index}`, file, format: 'qcow2', address: PCI.firstVolume + index, serial }),
    ),
    ...disk({ id: 'seed', file: FILES.seed, format: 'raw', address: PCI.seed, serial: 'seed', readOnly: true }),
  ];
}

interface DiskSpec {
  readonly id: string;
  readonly file: string;
  readonly format: 'qcow2' | 'raw';
  readonly address: number;
  readonly serial: string;
  readonly boot?: boolean;
  readonly readOnly?: boolean;
}

function disk(spec: DiskSpec): readonly string[] {
  const node = {
    driver: spec.format,
    'node-name': spec.id,
    'read-only': spec.readOnly ?? false,
    // Flushes cost seconds and protect a disk that is thrown away after a host crash anyway: what is captured is
    // written out when QEMU ends.
    cache: { direct: false, 'no-flush': true },
    discard: 'unmap',
    ...(spec.readOnly ? {} : { 'detect-zeroes': 'unmap' }),
    file: { driver: 'file', filename: spec.file },
  };
  const device = {
    driver: 'virtio-blk-pci',
    id: `${spec.id}-disk`,
    drive: spec.id,
    addr: hex(spec.address),
    serial: spec.serial,
    // An error of the host stops the guest and is told to us, instead of becoming an error of the guest.
    werror: 'stop',
    rerror: 'stop',
    ...(spec.boot ? { bootindex: 0 } : {}),
  };
  return ['-blockdev', JSON.stringify(node), '-device', JSON.stringify(device)];
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

/** QEMU's option lists take a doubled comma for one. */
function escapeCommas(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').replaceAll(',', ',,');
}
