import { MAX_NODE, parseVersion, type VersionNodes } from '../contract/version.ts';
import { invalidVersion } from './refusals.ts';
import type { RequestProblems } from './request-problems.ts';

/** The nodes of a version that a caller gave, or InvalidVersionNumberException. */
export function versionNodes(parameter: string, version: string): VersionNodes {
  const nodes = parseVersion(version);
  if (nodes === undefined) throw invalidVersion(parameter, `Each node is a number from 0 to ${MAX_NODE}.`);
  return nodes;
}

/** Reports a `semanticVersion` that no component or workflow can have. */
export function checkVersionNodes(
  { semanticVersion }: { readonly semanticVersion?: string | undefined },
  problems: RequestProblems,
): void {
  if (semanticVersion !== undefined) problems.attempt(() => versionNodes('semanticVersion', semanticVersion));
}
