import type { StepLoop } from '../documents/component.ts';
import type { LoopPosition } from './resolver.ts';
import { StepFailedError } from './step-failed.ts';

/** Iterations that one step may have, whatever its list became. */
const MAX_ITERATIONS = 100_000;

/** The iterations of a loop. `resolve` is asked once for the whole list, before the first iteration. */
export async function iterationsOf(
  loop: StepLoop,
  resolve: (text: string) => Promise<string>,
): Promise<readonly LoopPosition[]> {
  const values = await valuesOf(loop, resolve);
  if (values.length > MAX_ITERATIONS) {
    throw new StepFailedError(`the loop has ${values.length} iterations; at most ${MAX_ITERATIONS} are allowed`);
  }
  return values.map((value, index) => ({ name: loop.name, index, value }));
}

async function valuesOf(loop: StepLoop, resolve: (text: string) => Promise<string>): Promise<readonly string[]> {
  if (loop.kind === 'items') return Promise.all(loop.items.map(resolve));
  if (loop.kind === 'list') return (await resolve(loop.list)).split(loop.delimiter);
  const count = Math.floor((loop.end - loop.start) / loop.updateBy) + 1;
  return Array.from({ length: count }, (_, index) => String(loop.start + index * loop.updateBy));
}
