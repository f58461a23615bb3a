import { BuilderFault } from '../../../util/faults.ts';
import type { Qmp } from '../qmp.ts';

/** A checkpoint puts an overlay on the root disk; its node in QEMU has the name of its file. */
export function newOverlayName(): string {
  return `root-${Date.now()}.qcow2`;
}

export function isOverlayName(name: string): boolean {
  return /^root-[0-9]+\.qcow2$/.test(name);
}

/** The node that the root disk's device writes to: the newest overlay. */
export async function rootNode(qmp: Qmp): Promise<string> {
  const devices = (await qmp.execute('query-block')) as readonly {
    readonly qdev?: string;
    readonly inserted?: { readonly 'node-name'?: string };
  }[];
  const root = devices.find(({ qdev }) => qdev?.includes('root-disk') === true);
  const name = root?.inserted?.['node-name'];
  if (name === undefined) throw new BuilderFault('QEMU does not say what its root disk is.');
  return name;
}
