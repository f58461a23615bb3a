/** What components find around them, beside the machine that they run on. */

export interface ImageOfComponents {
  readonly imageArn: string;
  readonly version: string;
  readonly buildNumber: number;
  readonly pipelineArn: string | undefined;
}

/** Source: User Guide, "Use the AWSTOE component document framework", environment variables of Image Builder. */
export function componentEnvironment(
  { imageArn, version, buildNumber, pipelineArn }: ImageOfComponents,
  run: {
    readonly phase: 'BUILDING' | 'TESTING';
    readonly workflowExecutionId: string;
    readonly stepExecutionId: string;
  },
): Readonly<Record<string, string>> {
  return {
    IMAGE_WORKFLOW_EXECUTION_ID: run.workflowExecutionId,
    IMAGE_STEP_EXECUTION_ID: run.stepExecutionId,
    IMAGE_BUILD_VERSION_ARN: imageArn,
    IMAGE_PIPELINE_ARN: pipelineArn ?? '',
    IMAGE_PHASE: run.phase,
    IMAGE_VERSION: version,
    IMAGE_BUILD_VERSION: String(buildNumber),
  };
}

/** What `{{ aws:imds:… }}` finds: what is true of an instance of Kiln's. It has no metadata service of its own. */
export function instanceMetadata(
  instanceId: string,
  amiId: string,
  { region, instanceTypes }: { readonly region: string; readonly instanceTypes: readonly string[] },
): Readonly<Record<string, string>> {
  // Of several the host takes the first that it knows, and does not tell which.
  const [instanceType, ...others] = instanceTypes;
  return {
    'ami-id': amiId,
    'ami-launch-index': '0',
    hostname: instanceId,
    'instance-action': 'none',
    'instance-id': instanceId,
    'instance-life-cycle': 'on-demand',
    ...(instanceType === undefined || others.length > 0 ? {} : { 'instance-type': instanceType }),
    'local-hostname': instanceId,
    'placement/availability-zone': `${region}a`,
    'placement/region': region,
    'services/domain': 'amazonaws.com',
    'services/partition': 'aws',
  };
}
