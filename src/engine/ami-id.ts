import { createHash } from 'node:crypto';

/**
 * The id of the AMI that a workflow step makes under a claim. Who goes on with the build finds by it what was made before
 * its record could be written.
 */
export function amiIdOf(stepExecutionId: string, epoch: number): string {
  return `ami-${createHash('sha256').update(`${stepExecutionId}\n${epoch}`).digest('hex').slice(0, 17)}`;
}

/** The ids that the AMI of a step may have, by whomever it was made; the newest claim first. */
export function amiIdsOf(stepExecutionId: string, epoch: number): readonly string[] {
  return Array.from({ length: epoch }, (_, earlier) => amiIdOf(stepExecutionId, epoch - earlier));
}
