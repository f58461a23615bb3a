import { CALLS_BY_ARGUMENT, type CallMachine, LAST_KNOWN_CALL, REFUSED_CALLS, type Refusal } from './refused-calls.ts';

/** A filter of system calls, and the call that installs it. */
export interface SeccompFilter {
  /** A program for the kernel's classic BPF, 8 bytes an instruction. */
  readonly program: Buffer;
  /** The number of `seccomp` on this machine. */
  readonly install: number;
}

/** `AUDIT_ARCH_…`: how the kernel names the machine that a call was made for, and its call `seccomp`. */
const MACHINES: Readonly<Record<CallMachine, { readonly audit: number; readonly install: number }>> = {
  x64: { audit: 0xc000_003e, install: 317 },
  arm64: { audit: 0xc000_00b7, install: 277 },
};

/** Instructions of classic BPF that are used here. Source: linux/bpf_common.h. */
const LOAD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const JUMP_IF_AT_LEAST = 0x35;
const JUMP_IF_BITS = 0x45;
const RETURN = 0x06;

/** Places in what the kernel shows of a call (struct seccomp_data). */
const NUMBER_AT = 0;
const MACHINE_AT = 4;
const ARGUMENTS_AT = 16;

const ALLOW = 0x7fff_0000;
const REFUSE: Readonly<Record<Refusal, number>> = { EPERM: 0x0005_0001, ENOSYS: 0x0005_0026 };

/** The filter of a container's programs; undefined for a machine whose calls are not known here. */
export function seccompFilter(machine: string): SeccompFilter | undefined {
  if (machine !== 'x64' && machine !== 'arm64') return undefined;
  const { audit, install } = MACHINES[machine];
  const program: Buffer[] = [
    instruction(LOAD, MACHINE_AT),
    // Calls in the manner of another machine (32 bits) have other numbers.
    instruction(JUMP_IF_EQUAL, audit, 1, 0),
    instruction(RETURN, REFUSE.ENOSYS),
    instruction(LOAD, NUMBER_AT),
    instruction(JUMP_IF_AT_LEAST, LAST_KNOWN_CALL + 1, 0, 1),
    instruction(RETURN, REFUSE.ENOSYS),
  ];
  for (const { [machine]: number, refusal = 'EPERM' } of REFUSED_CALLS) {
    if (number === undefined) continue;
    program.push(instruction(JUMP_IF_EQUAL, number, 0, 1), instruction(RETURN, REFUSE[refusal]));
  }
  for (const { [machine]: number, argument, refuse } of CALLS_BY_ARGUMENT) {
    const checks = decide(refuse);
    program.push(
      instruction(JUMP_IF_EQUAL, number, 0, checks.length + 1),
      instruction(LOAD, ARGUMENTS_AT + 8 * argument),
      ...checks,
    );
  }
  program.push(instruction(RETURN, ALLOW));
  return { program: Buffer.concat(program), install };
}

/** Instructions that end in a decision whatever was loaded. */
function decide(refuse: (typeof CALLS_BY_ARGUMENT)[number]['refuse']): readonly Buffer[] {
  const allow = instruction(RETURN, ALLOW);
  const refusal = instruction(RETURN, REFUSE.EPERM);
  if ('bits' in refuse) return [instruction(JUMP_IF_BITS, refuse.bits, 0, 1), refusal, allow];
  const [values, equal, other] = 'values' in refuse ? [refuse.values, refusal, allow] : [refuse.allBut, allow, refusal];
  return [...values.flatMap((value) => [instruction(JUMP_IF_EQUAL, value, 0, 1), equal]), other];
}

/** `whenTrue` and `whenFalse` say how many instructions a jump skips. */
function instruction(code: number, value: number, whenTrue = 0, whenFalse = 0): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(whenTrue, 2);
  bytes.writeUInt8(whenFalse, 3);
  bytes.writeUInt32LE(value, 4);
  return bytes;
}
