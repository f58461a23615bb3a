import { setTimeout as delay } from 'node:timers/promises';
import { TargetLostError } from '../../toe/target.ts';
import type { SshTarget } from '../../toe/targets/ssh.ts';
import type { LaunchContext } from '../build-host.ts';

/** cloud-init writes this file when everything of a boot is done; it is gone after a reboot. */
const SCRIPT = `
until [ -e /run/cloud-init/result.json ]; do sleep 0.2; done
cat /run/cloud-init/result.json
`;

const AGAIN_AFTER_MS = 500;

/**
 * Waits until cloud-init is through with the user data, also when that restarts the machine. Errors in the user data
 * are told and do not fail the launch: EC2 does not fail either. (service.md 3.4: user data runs before components.)
 */
export async function waitForCloudInit(target: SshTarget, { signal, monitor }: LaunchContext): Promise<void> {
  for (;;) {
    let text = '';
    try {
      const onStdout = (chunk: Buffer): void => {
        text += chunk.toString();
      };
      await target.run({ argv: ['sh', '-c', SCRIPT], signal, onStdout });
    } catch (error) {
      if (!(error instanceof TargetLostError)) throw error;
      await delay(AGAIN_AFTER_MS, undefined, { signal });
      await target.connect(signal, Number.POSITIVE_INFINITY);
      continue;
    }
    const errors = errorsIn(text);
    monitor.line('kiln', errors.length === 0 ? 'user data has run' : 'user data has run, with errors:');
    for (const error of errors) monitor.line('kiln', `  ${error}`);
    return;
  }
}

function errorsIn(text: string): readonly string[] {
  try {
    const errors: unknown = JSON.parse(text)?.v1?.errors;
    return Array.isArray(errors) ? errors.map(String) : [];
  } catch {
    return [`cloud-init's result is not readable: ${text.slice(0, 200)}`];
  }
}
