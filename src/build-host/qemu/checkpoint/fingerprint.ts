import { createHash } from 'node:crypto';
import { CPU_MODELS, type MachineSpec, qemuArguments } from '../qemu-command.ts';

/** What a machine must have in common with the one whose memory it takes over. */
export interface MachineFingerprint {
  /** QEMU's own words. The layout of a saved state is that of a version. */
  readonly qemu: string;
  readonly accelerator: string;
  readonly cpuModel: string;
  readonly vcpus: number;
  readonly memoryMiB: number;
  /** SHA-256 of the command line, without what names the instance: devices and their places. */
  readonly devices: string;
}

/** @param qemu Of qemuVersion. */
export function machineFingerprint(spec: MachineSpec, qemu: string): MachineFingerprint {
  const args = qemuArguments({ ...spec, instanceId: '', owner: '', incoming: false });
  return {
    qemu,
    accelerator: spec.accelerator,
    cpuModel: CPU_MODELS[spec.accelerator],
    vcpus: spec.shape.vcpus,
    memoryMiB: spec.shape.memoryMiB,
    devices: createHash('sha256').update(JSON.stringify(args)).digest('hex'),
  };
}

/** The first thing in which two differ, for people; undefined when they are the same. */
export function fingerprintDifference(taken: MachineFingerprint, here: MachineFingerprint): string | undefined {
  const names = Object.keys(here) as (keyof MachineFingerprint)[];
  const name = names.find((each) => taken[each] !== here[each]);
  return name === undefined ? undefined : `${name} was ${taken[name]} and is ${here[name]}`;
}
