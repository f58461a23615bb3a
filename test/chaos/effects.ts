import type { TargetCommand, TargetExit } from '../../src/toe/target.ts';

/** What was done to instances: it stays done, whatever becomes of who did it. */
export class Effects {
  readonly #done = new Map<string, string[]>();
  /** Effects in AMIs, as they were when the disk was captured. */
  readonly captured = new Map<string, readonly string[]>();

  readonly respond = async (instanceId: string, command: TargetCommand): Promise<TargetExit> => {
    const said = `${command.argv.join(' ')} ${String(command.stdin ?? '')}`;
    const [, effect] = /effect ([^\s;']+)/.exec(said) ?? [];
    if (effect !== undefined) this.of(instanceId).push(effect);
    await new Promise((resolve) => setImmediate(resolve));
    return { code: effect !== undefined && said.includes('; false') ? 1 : 0 };
  };

  of(instanceId: string): string[] {
    const done = this.#done.get(instanceId) ?? [];
    this.#done.set(instanceId, done);
    return done;
  }
}
