/** Templates for tests. */
import { InvalidDocumentError } from '../util/problem.ts';
import { type PlanOptions, planTemplate } from './plan-template.ts';
import { readTemplate } from './read-template.ts';
import type { TemplatePlan } from './template-plan.ts';

export const PLACE = {
  parameters: {},
  findStoredParameter: async (name: string) => (name === '/app/colour' ? 'red,green' : undefined),
  buildsImages: false,
  stackName: 'web',
  partition: 'aws',
  region: 'us-east-1',
  accountId: '123456789012',
} as const;

export function plan(text: string, options: Partial<PlanOptions> = {}, file = 'template.yaml'): Promise<TemplatePlan> {
  return planTemplate(readTemplate(text, file), { ...PLACE, ...options });
}

/** The properties of the infrastructure configuration `Infra`, evaluated; for tests of single values. */
export async function evaluated(
  description: string,
  before = '',
  options: Partial<PlanOptions> = {},
): Promise<unknown> {
  const { resources } = await plan(
    `${before}
Resources:
  Infra:
    Type: AWS::ImageBuilder::InfrastructureConfiguration
    Properties:
      Name: infra
      InstanceProfileName: profile
      Description: ${description}
`,
    options,
  );
  return resources[0]?.input['description'];
}

/** The problems of a template, each `LINE:COLUMN message (hint)`. */
export async function problemsOf(text: string, options: Partial<PlanOptions> = {}, file?: string): Promise<string[]> {
  try {
    await plan(text, options, file);
    return [];
  } catch (error) {
    if (!(error instanceof InvalidDocumentError)) throw error;
    return error.problems.map(({ position, message, hint }) => {
      const place = `${position.line}:${position.column}`;
      return hint === undefined ? `${place} ${message}` : `${place} ${message} (${hint})`;
    });
  }
}
