import { basename, dirname, resolve } from 'node:path';
import { stackOfCdkTemplate } from '../template/asset-manifest.ts';
import type { TemplatePlan } from '../template/template-plan.ts';
import { MAX_TEMPLATE_BYTES } from '../template/template-size.ts';
import { coerceError } from '../util/faults.ts';
import { readStart } from '../util/read-start.ts';
import { checkParents } from './check-parents.ts';
import { type CommandArguments, type CommandOption, UsageError } from './command.ts';
import type { Config } from './config.ts';
import { ensureCredentials } from './credentials.ts';
import { systemMessage } from './system-message.ts';

/** Options of all commands that read a template. */
export const TEMPLATE_OPTIONS: Readonly<Record<string, CommandOption>> = {
  parameter: { type: 'string', short: 'p', value: 'KEY=VALUE', multiple: true, help: 'value of a template parameter' },
  'stack-name': {
    type: 'string',
    value: 'NAME',
    help: "AWS::StackName (default: the template's folder, or CDK's stack)",
  },
};

/**
 * Reads the template that a command line names and plans it, without asking the service for anything.
 *
 * @throws UsageError, InvalidDocumentError
 */
export async function readPlan(
  args: CommandArguments,
  config: Config,
  { buildsImages, signal }: { readonly buildsImages: boolean; readonly signal: AbortSignal },
): Promise<TemplatePlan> {
  const [file = ''] = args.positionals;
  const parameters = readParameters(args.texts('parameter'));
  const stackName = stackNameOf(args, file);
  // One byte more than is allowed tells that it is too long.
  const text = await readStart(file, MAX_TEMPLATE_BYTES + 1).catch((error: unknown) => {
    // An error of reading a folder does not say which.
    throw new UsageError(systemMessage(Object.assign(coerceError(error), { path: file })));
  });
  if (Buffer.byteLength(text) > MAX_TEMPLATE_BYTES)
    throw new UsageError(`${file} is larger than a template may be: ${MAX_TEMPLATE_BYTES} bytes`);
  const [{ readTemplate }, { planTemplate }, { storedParameters }] = await Promise.all([
    import('../template/read-template.ts'),
    import('../template/plan-template.ts'),
    import('./stored-parameters.ts'),
  ]);
  const template = readTemplate(text, file);
  const credentials = await ensureCredentials(config.home);
  const region = config.region ?? credentials.region;
  const plan = await planTemplate(template, {
    parameters,
    findStoredParameter: storedParameters(config, region, signal),
    stackName,
    partition: 'aws',
    region,
    accountId: config.accountId ?? credentials.accountId,
    buildsImages,
  });
  await checkParents(plan, config);
  return plan;
}

function readParameters(pairs: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const separator = pair.indexOf('=');
      if (separator < 1) throw new UsageError(`-p takes KEY=VALUE, not '${pair}'`);
      return [pair.slice(0, separator), pair.slice(separator + 1)];
    }),
  );
}

/** Source: AWS CloudFormation API Reference, CreateStack. */
const STACK_NAME = /^[A-Za-z][A-Za-z0-9-]{0,127}$/;

/** As given; else CDK's own name for the stack, else the name of the template's folder, which stays the same. */
export function stackNameOf(args: CommandArguments, file: string): string {
  const given = args.text('stack-name');
  if (given !== undefined) {
    if (STACK_NAME.test(given)) return given;
    throw new UsageError(`--stack-name takes a letter and then letters, digits and hyphens, not '${given}'`);
  }
  const name = (stackOfCdkTemplate(file) ?? basename(dirname(resolve(file)))).replace(/[^A-Za-z0-9-]+/g, '-');
  return (/^[A-Za-z]/.test(name) ? name : `kiln-${name}`).slice(0, 128);
}
