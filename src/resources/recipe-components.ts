/** The checks of a recipe's component list: every component exists, fits the parent image and gets its parameters. */
import type { ComponentConfiguration, ComponentParameterDetail } from '@aws-sdk/client-imagebuilder';
import type { Transaction } from 'kysely';
import { parseArn } from '../contract/arn.ts';
import { invalidParameter, notYet } from '../contract/errors.ts';
import type { Validated } from '../contract/operations.ts';
import type { Database } from '../state/tables.ts';
import type { Definition } from './definitions.ts';
import type { ResolvedParent } from './parent-images.ts';
import { invalidCombination } from './refusals.ts';
import type { RequestProblems } from './request-problems.ts';
import type { Service } from './service.ts';
import { findVisibleReference } from './sharing.ts';

type Configuration = Validated<ComponentConfiguration>;

interface RecipeParts {
  readonly components: readonly Configuration[];
  /** Undefined when it could not be found; then nothing has to fit it. */
  readonly parent: ResolvedParent | undefined;
}

/** Reports why components may not be in the recipe. */
export async function checkRecipeComponents(
  service: Service,
  trx: Transaction<Database>,
  { components, parent }: RecipeParts,
  problems: RequestProblems,
): Promise<void> {
  const firstUse = new Map<string, number>();
  for (const [index, configuration] of components.entries()) {
    const path = `components[${index}]`;
    await problems.collect(() => {
      const name = nameOf(configuration.componentArn, path);
      const earlier = firstUse.get(name);
      firstUse.set(name, earlier ?? index);
      if (earlier === undefined) return;
      throw invalidParameter(
        `${path}.componentArn`,
        `A component may appear once in a recipe, whatever its version; components[${earlier}] is the same component.`,
      );
    });
    const component = await problems.collect(() =>
      findVisibleReference(service, trx, 'component', configuration.componentArn, `${path}.componentArn`),
    );
    if (component === undefined) continue;
    if (parent !== undefined) await problems.collect(() => checkPlatform(component, parent, path));
    checkParameters(component, configuration, path, problems);
  }
}

function nameOf(componentArn: string, path: string): string {
  const arn = parseArn(componentArn);
  if (arn === undefined) throw invalidParameter(`${path}.componentArn`, 'It is not the ARN of a component.');
  if (arn.owner === 'aws') throw notYet(`components of Amazon ('${path}.componentArn': '${componentArn}')`);
  if (!/^[0-9]+$/.test(arn.owner)) {
    throw notYet(`components of the Marketplace and of third parties ('${path}.componentArn': '${componentArn}')`);
  }
  return `${arn.owner}/${arn.slug}`;
}

function checkPlatform(component: Definition, parent: ResolvedParent, path: string): void {
  const { platform, supportedOsVersions } = component.document as {
    platform: string;
    supportedOsVersions?: string[];
  };
  if (platform !== parent.platform) {
    throw invalidParameter(
      `${path}.componentArn`,
      `The component is for ${platform}, the parent image is ${parent.platform}.`,
    );
  }
  const { osVersion } = parent;
  // Prefixes, as AWS matches them: "Debian" supports "Debian 12". An image of unknown OS version is not refused.
  if (supportedOsVersions === undefined || osVersion === undefined) return;
  if (!supportedOsVersions.some((supported) => osVersion.startsWith(supported))) {
    throw invalidParameter(
      `${path}.componentArn`,
      `The component supports ${supportedOsVersions.join(', ')}; the parent image is ${osVersion}.`,
    );
  }
}

function checkParameters(
  component: Definition,
  configuration: Configuration,
  path: string,
  problems: RequestProblems,
): void {
  const defined = (component.document['parameters'] ?? []) as ComponentParameterDetail[];
  const given = configuration.parameters ?? [];
  const names = given.map((parameter) => parameter.name);
  const unknown = names.filter((name) => !defined.some((parameter) => parameter.name === name));
  if (unknown.length > 0) {
    const reason = `The following parameters are not defined in the provided component: ${unknown.join(', ')}`;
    problems.add(invalidCombination(`${path}.parameters`, reason));
  }
  const missing = defined.filter(({ name, defaultValue }) => defaultValue === undefined && !names.includes(name ?? ''));
  if (missing.length > 0) {
    const names = missing.map(({ name }) => name).join(', ');
    const reason = `The following parameters have no default and need a value: ${names}`;
    problems.add(invalidCombination(`${path}.parameters`, reason));
  }
  for (const [index, { name, value }] of given.entries()) {
    const parameterPath = `${path}.parameters[${index}]`;
    if (names.indexOf(name) !== index) {
      problems.add(invalidParameter(`${parameterPath}.name`, `The parameter '${name}' is given twice.`));
    }
    if (value.length !== 1) {
      const reason = `A list of exactly one value is allowed, not of ${value.length}.`;
      problems.add(invalidParameter(`${parameterPath}.value`, reason));
    }
  }
}
