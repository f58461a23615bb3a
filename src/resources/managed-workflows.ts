/** The workflows that come with Kiln, which lists show as Amazon's. */
import { type ImageBuilderArn, parseArn } from '../contract/arn.ts';
import { compareVersions, fixedNodes, isSelectable, parseVersion, type VersionNodes } from '../contract/version.ts';
import { invalidVersion } from './refusals.ts';
import type { ManagedWorkflow, Service } from './service.ts';
import { workflowParameters } from './workflow-parameters.ts';

/** The newest one that an ARN with owner `aws` means, with or without wildcards and build. */
export function findManagedWorkflow(service: Service, wanted: ImageBuilderArn): ManagedWorkflow | undefined {
  if (!isSelectable(wanted.version ?? '')) {
    throw invalidVersion('workflowBuildVersionArn', 'Every node to the right of an x must be x too.');
  }
  return matching(service, wanted).at(-1);
}

/** All that the ARN means, oldest first. */
export function matching(service: Service, wanted: ImageBuilderArn): ManagedWorkflow[] {
  const nodes = fixedNodes(wanted.version ?? '');
  return service.managedWorkflows
    .filter((workflow) => {
      const arn = arnOf(workflow);
      return (
        wanted.region === arn.region &&
        wanted.owner === arn.owner &&
        wanted.workflowType === arn.workflowType &&
        wanted.slug === arn.slug &&
        nodes.every((node, index) => node === arn.nodes[index]) &&
        (wanted.build === undefined || wanted.build === arn.build)
      );
    })
    .sort((a, b) => compareVersions(arnOf(a).nodes, arnOf(b).nodes) || arnOf(a).build - arnOf(b).build);
}

interface CompleteArn extends ImageBuilderArn {
  readonly version: string;
  readonly build: number;
  readonly nodes: VersionNodes;
}

export function arnOf({ arn: text }: ManagedWorkflow): CompleteArn {
  const arn = parseArn(text);
  const nodes = parseVersion(arn?.version ?? '');
  if (arn?.version === undefined || arn.build === undefined || nodes === undefined) {
    throw new Error(`${text} is not the ARN of a workflow build version`);
  }
  return { ...arn, version: arn.version, build: arn.build, nodes };
}

export function describedManagedWorkflow(workflow: ManagedWorkflow) {
  const { slug, version } = arnOf(workflow);
  const { description, type } = workflow.document;
  return {
    arn: workflow.arn,
    name: slug,
    version,
    ...(description === undefined ? {} : { description }),
    type,
    owner: 'Amazon',
    tags: {},
    parameters: workflowParameters(workflow.document),
  };
}
