import type { PlannedResource, TemplatePlan } from '../template/template-plan.ts';
import { InvalidDocumentError, type Problem } from '../util/problem.ts';
import { suggestion } from '../util/yaml-reader.ts';

/** Which resource of a template is built: an image, or what a pipeline describes. */
export interface BuildChoice {
  readonly kind: 'image' | 'pipeline';
  readonly logicalId: string;
}

const IMAGE = 'AWS::ImageBuilder::Image';
const PIPELINE = 'AWS::ImageBuilder::ImagePipeline';

/** @throws InvalidDocumentError when the template leaves it open or has nothing to build. */
export function chooseBuild(plan: TemplatePlan, wanted: string | undefined): BuildChoice {
  const images = plan.resources.filter(({ type }) => type === IMAGE);
  const pipelines = plan.resources.filter(({ type }) => type === PIPELINE);
  if (wanted !== undefined) {
    const found = [...images, ...pipelines].find(({ logicalId }) => logicalId === wanted);
    if (found !== undefined) return { kind: found.type === IMAGE ? 'image' : 'pipeline', logicalId: wanted };
    const known = [...images, ...pipelines].map(({ logicalId }) => logicalId);
    const hint = known.length === 0 ? undefined : suggestion(wanted, known);
    throw refusal(plan, undefined, `The template has no image or pipeline '${wanted}'.`, hint);
  }
  const [kind, candidates] = images.length > 0 ? (['image', images] as const) : (['pipeline', pipelines] as const);
  const [only, second] = candidates;
  if (only === undefined) {
    throw refusal(plan, undefined, 'The template has nothing to build.', `add a resource of type ${IMAGE}`);
  }
  if (second !== undefined) {
    const ids = candidates.map(({ logicalId }) => logicalId).join(', ');
    throw refusal(
      plan,
      second,
      `The template has several ${kind}s: ${ids}.`,
      `choose one with --image ${only.logicalId}`,
    );
  }
  return { kind, logicalId: only.logicalId };
}

function refusal(
  { file }: TemplatePlan,
  resource: PlannedResource | undefined,
  message: string,
  hint: string | undefined,
): InvalidDocumentError {
  const problem: Problem = { file, position: resource?.position ?? { line: 1, column: 1 }, message };
  return new InvalidDocumentError([hint === undefined ? problem : { ...problem, hint }]);
}
