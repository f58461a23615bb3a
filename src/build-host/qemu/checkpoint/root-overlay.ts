import { BuilderFault } from '../../../util/faults.ts';
import type { Qmp } from '../qmp.ts';

/** A checkpoint puts an overlay on the root disk; its node in QEMU has the name of its file. */
export function newOverlayName(): string {
  return `root-${Date.now()}.qcow2`;
}

export function isOverlayName(name: string): boolean {
  return /^root-[0-9]+\.qcow2$/.test(name);
}

export interface RootDisk {
  /** The node that the root disk's device writes to: the newest overlay. */
  readonly node: string;
  /** As large as the guest sees it. */
  readonly bytes: number;
}

export async function rootDisk(qmp: Qmp): Promise<RootDisk> {
  const devices = (await qmp.execute('query-block')) as readonly {
    readonly qdev?: string;
    readonly inserted?: { readonly 'node-name'?: string; readonly image?: { readonly 'virtual-size'?: number } };
  }[];
  const root = devices.find(({ qdev }) => qdev?.includes('root-disk') === true)?.inserted;
  const node = root?.['node-name'];
  const bytes = root?.image?.['virtual-size'];
  if (node === undefined || bytes === undefined) throw new BuilderFault('QEMU does not say what its root disk is.');
  return { node, bytes };
}
