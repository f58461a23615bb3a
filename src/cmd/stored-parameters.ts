import type { FindStoredParameter } from '../template/parameters.ts';
import { configureServices } from '../toe/services/configure.ts';
import type { Config } from './config.ts';

/**
 * Where CDK's bootstrap stack says its version. Kiln does itself what templates of CDK want of that stack (files from
 * the cloud assembly), so it answers with the least version that they accept (docs/decisions/115-templates-of-cdk.md).
 */
const CDK_BOOTSTRAP = /^\/cdk-bootstrap\/[a-z0-9]{1,10}\/version$/;
const CDK_BOOTSTRAP_VERSION = '6';

/** The Parameter Store of templates: `KILN_HOME/parameters.json`, then the Systems Manager that is configured. */
export function storedParameters(config: Config, region: string, signal: AbortSignal): FindStoredParameter {
  const { parameters } = configureServices(config.environment, config.home.path, region);
  return async (name) => {
    const stored = await parameters?.(name, signal);
    return stored?.value ?? (CDK_BOOTSTRAP.test(name) ? CDK_BOOTSTRAP_VERSION : undefined);
  };
}
