import type { Target } from '../../toe/target.ts';
import { BuilderFault } from '../../util/faults.ts';

/**
 * Brings a running Linux to rest without shutting it down: services are stopped as a shutdown would stop them, what is
 * in memory is written, free blocks are given back, and every file system is made read-only, which leaves it clean. A
 * shutdown does the same and takes three times as long. Blocks are free to be given back only once their deletion is
 * written. Exit code 0 when nothing is writable any more.
 */
const SCRIPT = `
if command -v systemctl >/dev/null 2>&1 && [ -d /run/systemd/system ]; then
  systemctl list-units --plain --no-legend --type=service --state=running | while read -r unit rest; do
    case $unit in
      ssh*|systemd-*|dbus*|getty@*|serial-getty@*|user@*|*network*|NetworkManager*|ifup@*) ;;
      *) printf '%s\\n' "$unit" ;;
    esac
  done | xargs -r systemctl stop
fi
sync
fstrim -a 2>/dev/null
echo s > /proc/sysrq-trigger
echo u > /proc/sysrq-trigger
tries=0
while grep -q '^/dev/[^ ]* [^ ]* [^ ]* rw[, ]' /proc/mounts; do
  tries=$((tries + 1))
  [ "$tries" -lt 100 ] || exit 1
  sleep 0.1
done
`;

/** Rejects with a BuilderFault when the file systems cannot be brought to rest; the machine is then of no use. */
export async function quiesce(target: Target, signal: AbortSignal): Promise<void> {
  let said = '';
  const collect = (chunk: Buffer): void => {
    said = (said + chunk.toString()).slice(-2_000);
  };
  const { code } = await target.run({ argv: ['sh', '-c', SCRIPT], signal, onStdout: collect, onStderr: collect });
  if (code !== 0) {
    throw new BuilderFault(`The file systems of ${target.name} stay writable: ${said.trim()}`);
  }
}
