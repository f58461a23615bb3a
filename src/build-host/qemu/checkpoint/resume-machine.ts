import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { capture } from '../../../toe/capture.ts';
import type { Target } from '../../../toe/target.ts';
import { CheckpointUnusable } from '../../checkpoint-unusable.ts';
import type { Qmp } from '../qmp.ts';
import { CHECKPOINT_FILES } from './checkpoint-files.ts';
import { sendMemory } from './memory-stream.ts';

const SOCKET = 'incoming.sock';
const LOOK_EVERY_MS = 5;

/**
 * Fills a QEMU that waits for a state (`-incoming defer`) with that of a checkpoint; the guest does not run yet. When it
 * rejects QEMU is of no use any more.
 */
export async function loadMemory(folder: string, state: string, qmp: Qmp, signal: AbortSignal): Promise<void> {
  await qmp.execute('migrate-incoming', { uri: `unix:${SOCKET}` });
  await sendMemory(folder, SOCKET, join(state, CHECKPOINT_FILES.memory), signal);
  // A `cont` that is sent too early is answered with success, and the guest stays as it is.
  for (;;) {
    signal.throwIfAborted();
    const { status } = (await qmp.execute('query-status')) as { readonly status: string };
    if (status !== 'inmigrate') return;
    await delay(LOOK_EVERY_MS);
  }
}

/**
 * Sets the clock to $1, and mixes standard input into what random numbers are made of. A kernel with a driver for the
 * generation of its machine has done that by itself; an older one is asked to use them now (RNDRESEEDCRNG) where
 * something is there that can ask. With perl it is one program for all: each that starts takes an emulated guest a tenth of a
 * second. 164 is settimeofday of x86-64; a perl of 32 bits has other numbers.
 */
const AWAKEN = `
if command -v perl >/dev/null; then
  perl -e '
    exit 3 if length(pack "p", "") != 8;
    my ($seconds, $fraction) = split /[.]/, $ARGV[0];
    syscall(164, pack("q2", $seconds, $fraction * 1000), 0) == 0 or die "settimeofday: $!\n";
    open my $random, "+<", "/dev/urandom" or die "/dev/urandom: $!\n";
    local $/;
    syswrite $random, <STDIN>;
    ioctl $random, 0x5207, 0;
  ' "$1"
  code=$?
  [ "$code" = 3 ] || exit "$code"
fi
date --set="@$1" >/dev/null || exit 1
cat >/dev/urandom
`;
const SEED_BYTES = 512;

/**
 * Tells a guest that was asleep what time it is, and gives it random numbers of its own: every guest that goes on from one
 * checkpoint would find the same ones.
 */
export async function awaken(target: Target, now: Date, signal: AbortSignal): Promise<void> {
  const seconds = (now.getTime() / 1000).toFixed(3);
  const argv = ['sh', '-c', AWAKEN, 'sh', seconds] as const;
  const { code, stderr } = await capture(target, { argv, stdin: randomBytes(SEED_BYTES), signal });
  if (code !== 0) throw new CheckpointUnusable('refused', `The clock of the guest cannot be set: ${stderr.trim()}`);
}
