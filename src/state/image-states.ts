/**
 * The states of an image (build version). Source: API Reference, ImageState; User Guide, "Image states".
 *
 *     PENDING ──> CREATING ──> BUILDING ──> TESTING ──> DISTRIBUTING ──> INTEGRATING ──> AVAILABLE
 *        │           │            │            │             │                │
 *        └───────────┴────────────┴── from each of them ─────┴────────────────┴──> FAILED | CANCELLED
 *
 *     AVAILABLE <──> DEPRECATED <──> DISABLED, and each ended state ──> DELETED (state updates and lifecycle policies)
 *
 * Stages that do not apply are skipped: from BUILDING on, an image may go to every later state. PENDING images belong to
 * nobody; from CREATING on, one claim owns the image (transitions/claim-image.ts) and alone changes it. Who is late with
 * an older claim, or comes after the end, changes nothing.
 */
import type { ImageStatus } from './tables.ts';

/** The stages of a build, in order. An image in one of them is not finished. */
export const STAGES = ['PENDING', 'CREATING', 'BUILDING', 'TESTING', 'DISTRIBUTING', 'INTEGRATING'] as const;

export type Stage = (typeof STAGES)[number];

/** Whether the build of an image in this state is still to begin or goes on. */
export function isUnfinished(status: ImageStatus): status is Stage {
  return (STAGES as readonly ImageStatus[]).includes(status);
}

/** Whether a build may go from one stage on to another: forwards, and only the claim leads out of PENDING. */
export function mayFollow(from: Stage, to: Stage): boolean {
  if (from === 'PENDING') return to === 'CREATING';
  return STAGES.indexOf(to) > STAGES.indexOf(from);
}
