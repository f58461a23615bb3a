import type { Distribution, ImageRecipe } from '@aws-sdk/client-imagebuilder';
import { AMI_VARIABLE, BUILD_DATE_PARTS, BUILD_DATE_PATTERN } from '../contract/ami-settings.ts';
import { parseArn } from '../contract/arn.ts';
import type { MachineImage } from '../image-store/image-store.ts';
import type { OutputAmi } from '../state/transitions/put-output-amis.ts';
import { BuildFailure } from '../util/faults.ts';
import type { AmiDetails } from './build-plan.ts';
import type { Engine } from './engine.ts';

export interface NamingFacts {
  readonly imageArn: string;
  readonly buildNumber: number;
  readonly now: Date;
  /** Names of the AMIs that are there: an AMI's name is its own. */
  readonly takenNames: ReadonlySet<string>;
}

/**
 * Name, description and tags of the AMI that a build makes, from the recipe and from the distribution of this Region.
 * Source: EC2 Image Builder User Guide, "Create and update AMI distribution configurations".
 */
export function outputAmiOf(
  recipe: ImageRecipe,
  distribution: Distribution | undefined,
  facts: NamingFacts,
): AmiDetails {
  const settings = distribution?.amiDistributionConfiguration;
  const render = (text: string): string => renderVariables(text, facts);
  const stamp = buildDate(facts.now);
  const wanted = settings?.name === undefined ? `${recipe.name} ${stamp}` : render(settings.name);
  return {
    name: facts.takenNames.has(wanted) ? `${wanted} ${stamp}` : wanted,
    description: settings?.description ?? recipe.description,
    tags: {
      CreatedBy: 'EC2 Image Builder',
      Ec2ImageBuilderArn: facts.imageArn,
      ...recipe.amiTags,
      ...Object.fromEntries(Object.entries(settings?.amiTags ?? {}).map(([key, value]) => [key, render(value)])),
    },
  };
}

/** The AMI as an image's OutputResources name it. */
export function outputAmiRecord(
  { region, accountId: home }: Pick<Engine, 'region' | 'accountId'>,
  { amiId, name, description, source }: MachineImage,
): OutputAmi {
  const accountId = parseArn(source)?.owner ?? home;
  return { region, image: amiId, name, ...(description === undefined ? {} : { description }), accountId };
}

function renderVariables(text: string, { now, buildNumber }: NamingFacts): string {
  return text.replace(AMI_VARIABLE, (whole, name: string, format: string | undefined) => {
    if (name === 'buildVersion' && format === undefined) return String(buildNumber);
    if (name === 'buildDate') return format === undefined ? buildDate(now) : formatDate(now, format);
    throw new BuildFailure(`The distribution configuration uses an unknown variable: ${whole}`, {
      hint: 'Known are {{ imagebuilder:buildDate }}, {{ imagebuilder:buildDate:FORMAT }} and {{ imagebuilder:buildVersion }}.',
    });
  });
}

/** `2026-11-23T10-15-33.120Z`: colons are not allowed in AMI names. */
function buildDate(now: Date): string {
  return now.toISOString().replaceAll(':', '-');
}

/** Date patterns as in Java, the numeric ones; UTC. */
function formatDate(now: Date, format: string): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const parts: Readonly<Record<(typeof BUILD_DATE_PARTS)[number], string>> = {
    yyyy: String(now.getUTCFullYear()),
    yy: two(now.getUTCFullYear() % 100),
    MM: two(now.getUTCMonth() + 1),
    dd: two(now.getUTCDate()),
    HH: two(now.getUTCHours()),
    mm: two(now.getUTCMinutes()),
    ss: two(now.getUTCSeconds()),
    SSS: String(now.getUTCMilliseconds()).padStart(3, '0'),
  };
  return format.replace(BUILD_DATE_PATTERN, (pattern, quoted: string | undefined) => {
    const part = BUILD_DATE_PARTS.find((known) => known === pattern);
    const value = quoted ?? (part === undefined ? undefined : parts[part]);
    if (value !== undefined) return value;
    throw new BuildFailure(`Unknown date pattern '${pattern}' in {{ imagebuilder:buildDate:${format} }}`, {
      hint: `Known are ${Object.keys(parts).join(', ')}.`,
    });
  });
}
