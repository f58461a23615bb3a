import { join } from 'node:path';
import type { RunServices } from '../run-services.ts';
import { awsSettings } from './aws-settings.ts';
import { fileParameters, firstOf } from './parameter-file.ts';
import { s3Objects } from './s3.ts';
import { ssmParameters } from './ssm.ts';

/** The file of parameters in KILN_HOME. */
export const PARAMETER_FILE = 'parameters.json';

/**
 * What component documents may use beyond their machine, as the environment of this process and KILN_HOME have it.
 * Nothing is contacted or loaded before a document asks.
 */
export function configureServices(
  environment: Readonly<Record<string, string>>,
  home: string,
  region: string,
): Pick<RunServices, 'parameters' | 'objects'> {
  const s3 = awsSettings(environment, 's3', region);
  const ssm = awsSettings(environment, 'ssm', region);
  const file = fileParameters(join(home, PARAMETER_FILE));
  return {
    parameters: ssm === undefined ? file : firstOf([file, ssmParameters(ssm)]),
    ...(s3 === undefined ? {} : { objects: s3Objects(s3) }),
  };
}
