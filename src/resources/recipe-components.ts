/** The checks of a recipe's component list: every component exists, fits the parent image and gets its parameters. */
import type {
  ComponentConfiguration,
  ComponentParameter,
  ComponentParameterDetail,
} from '@aws-sdk/client-imagebuilder';
import type { Transaction } from 'kysely';
import { parseArn } from '../contract/arn.ts';
import { invalidParameter, notYet } from '../contract/errors.ts';
import type { Partly, Validated } from '../contract/operations.ts';
import type { Database } from '../state/tables.ts';
import type { Definition } from './definitions.ts';
import type { ResolvedParent } from './parent-images.ts';
import { invalidCombination } from './refusals.ts';
import type { RequestProblems } from './request-problems.ts';
import type { Service } from './service.ts';
import { findVisibleReference } from './sharing.ts';

type Configuration = Validated<ComponentConfiguration>;

/** Reports what is wrong with the list by itself. */
export function checkComponentList(
  components: Partly<ComponentConfiguration[]> | undefined,
  problems: RequestProblems,
): void {
  const firstUse = new Map<string, number>();
  for (const [index, configuration] of (components ?? []).entries()) {
    if (problems.isFull) return;
    const path = `components[${index}]`;
    const { componentArn, parameters } = configuration ?? {};
    if (componentArn !== undefined) problems.attempt(() => checkUsedOnce(componentArn, index, firstUse));
    checkValues(parameters ?? [], `${path}.parameters`, problems);
  }
}

function checkUsedOnce(componentArn: string, index: number, firstUse: Map<string, number>): void {
  const member = `components[${index}].componentArn`;
  const name = nameOf(componentArn, member);
  const earlier = firstUse.get(name);
  firstUse.set(name, earlier ?? index);
  if (earlier === undefined) return;
  throw invalidParameter(
    member,
    `A component may appear once in a recipe, whatever its version; components[${earlier}] is the same component.`,
  );
}

function nameOf(componentArn: string, member: string): string {
  const arn = parseArn(componentArn);
  if (arn === undefined) throw invalidParameter(member, 'It is not the ARN of a component.');
  if (arn.owner === 'aws') throw notYet(`components of Amazon ('${member}': '${componentArn}')`, [member]);
  if (!/^[0-9]+$/.test(arn.owner)) {
    throw notYet(`components of the Marketplace and of third parties ('${member}': '${componentArn}')`, [member]);
  }
  return `${arn.owner}/${arn.slug}`;
}

function checkValues(given: Partly<ComponentParameter[]>, path: string, problems: RequestProblems): void {
  const names = new Set<string>();
  for (const [index, parameter] of given.entries()) {
    if (problems.isFull) return;
    const { name, value } = parameter ?? {};
    if (name !== undefined && names.has(name)) {
      problems.add(invalidParameter(`${path}[${index}].name`, `The parameter '${name}' is given twice.`));
    }
    if (name !== undefined) names.add(name);
    if (value !== undefined && value.length !== 1) {
      const reason = `A list of exactly one value is allowed, not of ${value.length}.`;
      problems.add(invalidParameter(`${path}[${index}].value`, reason));
    }
  }
}

interface RecipeParts {
  /** Checked by {@link checkComponentList}. */
  readonly components: readonly Configuration[];
  /** Undefined when it could not be found; then nothing has to fit it. */
  readonly parent: ResolvedParent | undefined;
}

/** Reports which components are not there, or do not fit the recipe. */
export async function checkRecipeComponents(
  service: Service,
  trx: Transaction<Database>,
  { components, parent }: RecipeParts,
  problems: RequestProblems,
): Promise<void> {
  for (const [index, configuration] of components.entries()) {
    if (problems.isFull) return;
    const path = `components[${index}]`;
    const component = await problems.collect(() =>
      findVisibleReference(service, trx, 'component', configuration.componentArn, `${path}.componentArn`),
    );
    if (component === undefined) continue;
    if (parent !== undefined) problems.attempt(() => checkPlatform(component, parent, path));
    checkParameterNames(component, configuration, path, problems);
  }
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

function checkParameterNames(
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
}
