/**
 * How much of everything an account may have in a Region. Source: Service Quotas, "EC2 Image Builder". The size of a
 * component document (64 KB) is a limit of documents/, which nobody can raise; quotas of what Kiln does not have yet
 * (launch templates, SSM parameters of a distribution) come with it.
 */
interface QuotaDefinition {
  /** AWS's code of the quota. */
  readonly code: string;
  readonly description: string;
  readonly default: number;
}

const quota = (code: string, description: string, value: number): QuotaDefinition => ({
  code,
  description,
  default: value,
});

/** AWS has the quota, but does not say its default. */
export const UNLIMITED = Number.POSITIVE_INFINITY;

/** Every quota by its name in the configuration, with AWS's default. */
export const QUOTAS = {
  components: quota('L-9B183655', 'components (build versions)', 1_000),
  imageRecipes: quota('L-1DF98342', 'image recipes', 1_000),
  containerRecipes: quota('L-28A502FD', 'container recipes', 1_000),
  dockerfileTemplateBytes: quota('L-84F5AB81', 'bytes of a Dockerfile template', 64 * 1_024),
  imagePipelines: quota('L-7A0E01E3', 'image pipelines', 75),
  infrastructureConfigurations: quota('L-D9EF98D9', 'infrastructure configurations', 1_000),
  distributionConfigurations: quota('L-2BAA05D8', 'distribution configurations', 1_000),
  workflows: quota('L-0DF2752F', 'image workflows (build versions)', UNLIMITED),
  lifecyclePolicies: quota('L-6105A4EE', 'lifecycle policies', UNLIMITED),
  concurrentBuilds: quota('L-BA4D191B', 'concurrent builds, those that wait for a worker included', 100),
  parametersPerComponent: quota('L-A58CFBED', 'parameters of a component', 25),
  componentParameterLength: quota('L-10D22E0D', 'characters of a component parameter', 1_024),
  componentsPerImageRecipe: quota('L-59EC76F6', 'components of an image recipe', 20),
  amiCopiesPerDistributionConfiguration: quota('L-69312229', 'AMI copies of a distribution configuration', 50),
} as const satisfies Readonly<Record<string, QuotaDefinition>>;

export type QuotaName = keyof typeof QUOTAS;
export type Quotas = Readonly<Record<QuotaName, number>>;

/** AWS's defaults, with those that an operator has changed. */
export function quotasWith(changed: Partial<Quotas> = {}): Quotas {
  const defaults = Object.entries(QUOTAS).map(([name, { default: value }]) => [name, value]);
  return { ...Object.fromEntries(defaults), ...changed };
}
