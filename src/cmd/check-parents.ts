import { parseArn } from '../contract/arn.ts';
import { placeOf, type TemplatePlan } from '../template/template-plan.ts';
import { didYouMean, InvalidDocumentError, type Problem } from '../util/problem.ts';
import type { Config } from './config.ts';

/**
 * Refuses recipes whose parent image is none that this home has, or could make: else the service says so when a part of the
 * template has been applied. Images of the account are left to the service, which knows them.
 *
 * @throws InvalidDocumentError
 */
export async function checkParents({ resources, file }: TemplatePlan, config: Config): Promise<void> {
  const problems: Problem[] = [];
  for (const resource of resources) {
    const parentImage = resource.type === 'AWS::ImageBuilder::ImageRecipe' ? resource.input['parentImage'] : undefined;
    if (typeof parentImage !== 'string') continue;
    const problem = await problemOf(parentImage, config);
    if (problem !== undefined) problems.push({ file, position: placeOf('parentImage', resource), ...problem });
  }
  if (problems.length > 0) throw new InvalidDocumentError(problems);
}

async function problemOf(
  parentImage: string,
  { home }: Config,
): Promise<Pick<Problem, 'message' | 'hint'> | undefined> {
  if (/^ami-[0-9a-f]+$/.test(parentImage)) {
    const { openImageRecords } = await import('../image-store/files/records.ts');
    if ((await (await openImageRecords(home.images)).get(parentImage)) !== undefined) return undefined;
    return { message: `The AMI '${parentImage}' does not exist here.`, hint: 'kiln import makes a disk an AMI' };
  }
  const arn = parseArn(parentImage);
  if (arn?.kind !== 'image' || arn.owner !== 'aws') return undefined;
  const { definitions } = await import('../image-store/catalog/definitions/index.ts');
  const names = definitions.map(({ name }) => name);
  if (names.includes(arn.slug)) return undefined;
  const nearest = didYouMean(arn.slug, names);
  return {
    message: `There is no image '${arn.slug}' in the catalogue of this installation, which has ${names.join(', ')}.`,
    ...(nearest === undefined ? {} : { hint: `did you mean '${nearest}'?` }),
  };
}
