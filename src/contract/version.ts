/**
 * Semantic versions with wildcards. Source: EC2 Image Builder User Guide, "Semantic versioning in Image Builder".
 * Nodes are compared as numbers; `x` matches any number, and every node to the right of an `x` must be `x` too.
 */
export type VersionNodes = readonly [major: number, minor: number, patch: number];

/** Highest value of a node: 2^30 - 1. */
export const MAX_NODE = 2 ** 30 - 1;

/** The nodes of `1.2.3`; undefined for anything else, wildcards and nodes that are too large included. */
export function parseVersion(text: string): VersionNodes | undefined {
  const match = /^([0-9]+)\.([0-9]+)\.([0-9]+)$/.exec(text);
  if (match === null) return undefined;
  const nodes = [Number(match[1]), Number(match[2]), Number(match[3])] as const;
  return nodes.every((node) => node <= MAX_NODE) ? nodes : undefined;
}

export function hasWildcard(version: string): boolean {
  return version.split('.').includes('x');
}

/** Whether a wildcard version may be used to select: `1.x.x` may, `x.2.x` may not. */
export function isSelectable(version: string): boolean {
  return /^(?:[0-9]+\.(?:[0-9]+\.(?:[0-9]+|x)|x\.x)|x\.x\.x)$/.test(version);
}

/** The leading nodes that `pattern` fixes, e.g. `[1, 2]` for `1.2.x`. */
export function fixedNodes(pattern: string): readonly number[] {
  const nodes = pattern.split('.');
  const wildcard = nodes.indexOf('x');
  return (wildcard === -1 ? nodes : nodes.slice(0, wildcard)).map(Number);
}

/** Negative when `a` is older than `b`. */
export function compareVersions(a: VersionNodes, b: VersionNodes): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}
