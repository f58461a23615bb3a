/** How much of the host an instance gets. */
export interface MachineShape {
  readonly vcpus: number;
  readonly memoryMiB: number;
}

/** Instance type (`m5.large`) to shape. */
export type InstanceTypeTable = Readonly<Record<string, MachineShape>>;

/** What the host can give. */
export interface HostCapacity {
  readonly cpus: number;
  readonly memoryMiB: number;
}

/** vCPUs by size, as EC2 has them for the families below. */
const SIZES: Readonly<Record<string, number>> = {
  large: 2,
  xlarge: 4,
  '2xlarge': 8,
  '4xlarge': 16,
  '8xlarge': 32,
  '12xlarge': 48,
  '16xlarge': 64,
  '24xlarge': 96,
};

/** GiB of memory per vCPU by family. Only x86-64: a type of another architecture is unknown here and refused. */
const FAMILIES: Readonly<Record<string, number>> = {
  c5: 2,
  c5a: 2,
  c5d: 2,
  c6a: 2,
  c6i: 2,
  c7a: 2,
  c7i: 2,
  m4: 4,
  m5: 4,
  m5a: 4,
  m5d: 4,
  m6a: 4,
  m6i: 4,
  m7a: 4,
  m7i: 4,
  r5: 8,
  r5a: 8,
  r6a: 8,
  r6i: 8,
  r7a: 8,
  r7i: 8,
};

/** Burstable types do not follow the rule of size and family. */
const BURSTABLE: InstanceTypeTable = Object.fromEntries(
  ['t2', 't3', 't3a'].flatMap((family) => [
    ...(family === 't2' ? [] : [[`${family}.nano`, { vcpus: 2, memoryMiB: 512 }]]),
    [`${family}.micro`, { vcpus: family === 't2' ? 1 : 2, memoryMiB: 1024 }],
    [`${family}.small`, { vcpus: family === 't2' ? 1 : 2, memoryMiB: 2048 }],
    [`${family}.medium`, { vcpus: 2, memoryMiB: 4096 }],
    [`${family}.large`, { vcpus: 2, memoryMiB: 8192 }],
    [`${family}.xlarge`, { vcpus: 4, memoryMiB: 16_384 }],
    [`${family}.2xlarge`, { vcpus: 8, memoryMiB: 32_768 }],
  ]),
);

/** The types that Kiln knows by itself. Source: EC2's instance type pages. */
export const DEFAULT_INSTANCE_TYPES: InstanceTypeTable = {
  ...BURSTABLE,
  ...Object.fromEntries(
    Object.entries(FAMILIES).flatMap(([family, gibPerCpu]) =>
      Object.entries(SIZES).map(([size, vcpus]) => [
        `${family}.${size}`,
        { vcpus, memoryMiB: vcpus * gibPerCpu * 1024 },
      ]),
    ),
  ),
};

const DEFAULT_SHAPE: MachineShape = { vcpus: 2, memoryMiB: 2048 };

/**
 * The shape of the first candidate that the table knows, or the default one without candidates, capped to the host:
 * no more vCPUs than it has, and at most half of its memory. Undefined when the table knows none of the candidates.
 */
export function shapeFor(
  candidates: readonly string[],
  table: InstanceTypeTable,
  host: HostCapacity,
): MachineShape | undefined {
  const known = candidates.find((candidate) => Object.hasOwn(table, candidate));
  const wanted = candidates.length === 0 ? DEFAULT_SHAPE : known === undefined ? undefined : table[known];
  if (wanted === undefined) return undefined;
  return {
    vcpus: Math.max(1, Math.min(wanted.vcpus, host.cpus)),
    memoryMiB: Math.max(256, Math.min(wanted.memoryMiB, Math.floor(host.memoryMiB / 2))),
  };
}
