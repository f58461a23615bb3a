import { STAGES } from '../state/image-states.ts';
import { setImageStatus } from '../state/transitions/set-image-status.ts';
import type { BuildRun } from './build-run.ts';

/** The image goes on to a stage, unless it is there or was there before. Throws ClaimLostError. */
export async function enterStage(
  { engine, claim }: BuildRun,
  stage: 'BUILDING' | 'TESTING' | 'DISTRIBUTING' | 'INTEGRATING',
): Promise<void> {
  const image = await engine.db
    .selectFrom('images')
    .select('status')
    .where('arn', '=', claim.imageArn)
    .executeTakeFirst();
  const now = (STAGES as readonly string[]).indexOf(image?.status ?? '');
  if (now >= STAGES.indexOf(stage)) return;
  await setImageStatus(engine.db, claim, stage, engine.clock.now());
}
