import type { StoreContext } from '../../image-store/image-store.ts';
import type { BuildRun } from '../build-run.ts';
import { enterStage } from '../enter-stage.ts';
import { amiParameters, ownerOf, putAmiParameters, recordLaunchPermission } from './distribute-ami.ts';

/**
 * What the service does with an AMI when no workflow of the image distributes it: what the distribution configuration says
 * beyond name, description and tags, which the AMI has had since it was made.
 */
export async function distributeByDefault(run: BuildRun, context: StoreContext): Promise<void> {
  const { engine, plan, progress } = run;
  const amiId = progress.outputAmiId;
  if (amiId === undefined) return;
  for (const { amiDistributionConfiguration, ssmParameterConfigurations = [] } of plan.distributions) {
    const image = { region: engine.region, amiId, accountId: ownerOf(run) };
    const permission = amiDistributionConfiguration?.launchPermission;
    if (permission !== undefined) await recordLaunchPermission(run, image, permission as object, context);
    if (ssmParameterConfigurations.length === 0) continue;
    await enterStage(run, 'INTEGRATING');
    await putAmiParameters(run, image, amiParameters(ssmParameterConfigurations), context);
  }
}
