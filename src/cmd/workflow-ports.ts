import { join } from 'node:path';
import type { Engine } from '../engine/engine.ts';
import { lambdaFunctions, noFunctions } from '../functions/aws/lambda.ts';
import { localFunctions } from '../functions/local/local-functions.ts';
import { functionRegistry } from '../functions/local/registry.ts';
import { noStateMachines, stepFunctions } from '../state-machines/aws/step-functions.ts';
import { localStateMachines } from '../state-machines/local/local-state-machines.ts';
import { stateMachineRegistry } from '../state-machines/local/registry.ts';
import { awsSettings } from '../toe/services/aws-settings.ts';
import { PARAMETER_FILE } from '../toe/services/configure.ts';
import { fileParameterWriter } from '../toe/services/parameter-file.ts';
import type { Config } from './config.ts';

/** What steps of workflows reach beyond their instances: of this home first, then what the environment gives keys for. */
export function workflowPorts(
  { home, environment }: Pick<Config, 'home' | 'environment'>,
  place: { readonly accountId: string; readonly region: string },
): Required<Pick<Engine, 'functions' | 'stateMachines' | 'putParameter'>> {
  const lambda = awsSettings(environment, 'lambda', place.region);
  const sfn = awsSettings(environment, 'sfn', place.region);
  const remote = lambda === undefined ? noFunctions : lambdaFunctions(lambda);
  const functions = localFunctions(functionRegistry(home.functions), place, remote);
  const machines = sfn === undefined ? noStateMachines : stepFunctions(sfn);
  return {
    functions,
    stateMachines: localStateMachines(stateMachineRegistry(home.stateMachines), place, functions, machines),
    putParameter: fileParameterWriter(join(home.path, PARAMETER_FILE)),
  };
}
