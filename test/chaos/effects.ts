import { appendFileSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { TargetCommand, TargetExit } from '../../src/toe/target.ts';

/**
 * What was done to instances: it stays done, whatever becomes of who did it. It is written to their disks, so that what
 * starts from a checkpoint of a disk has it too.
 */
export class Effects {
  /** Effects in AMIs, as they were when the disk was captured. */
  readonly captured = new Map<string, readonly string[]>();
  readonly #rooms: string;

  /** @param rooms The folder of the simulated build host. */
  constructor(rooms: string) {
    this.#rooms = rooms;
  }

  readonly respond = async (instanceId: string, command: TargetCommand): Promise<TargetExit> => {
    const said = `${command.argv.join(' ')} ${String(command.stdin ?? '')}`;
    const [, effect] = /effect ([^\s;']+)/.exec(said) ?? [];
    if (effect !== undefined) appendFileSync(effectsOn(path.join(this.#rooms, instanceId)), `${effect}\n`);
    await new Promise((resolve) => setImmediate(resolve));
    return { code: effect !== undefined && said.includes('; false') ? 1 : 0 };
  };

  /** @param diskPath Of the disk that is captured. */
  capture(amiId: string, diskPath: string): void {
    let text = '';
    try {
      text = readFileSync(effectsOn(path.dirname(diskPath)), 'utf8');
    } catch {
      // Nothing was done to it.
    }
    this.captured.set(amiId, text.split('\n').slice(0, -1));
  }
}

function effectsOn(instance: string): string {
  return path.join(instance, 'disk', 'effects');
}
