/**
 * What an infrastructure configuration's topic is told when a build ends. Not the API's shape of an image, but an older
 * one of the service's own. Source: EC2 Image Builder User Guide, "Amazon SNS integration in Image Builder".
 */
import { formatArn, parseArn } from '../../contract/arn.ts';
import type { ImageRow } from '../find-resource.ts';
import type { WorkflowExecutionsTable } from '../tables.ts';

type Execution = { readonly id: string; readonly type: WorkflowExecutionsTable['type'] };

/** @param executions of the image's workflows, in their order */
export function imageMessage(image: ImageRow, executions: readonly Execution[]): string {
  const body = {
    versionlessArn: versionlessArn(image.arn),
    semver: SEMVER,
    arn: image.arn,
    name: image.name,
    version: image.version,
    type: 'AMI',
    buildVersion: image.build,
    state: { status: image.status, ...(image.reason === null ? {} : { reason: image.reason }) },
    platform: image.platform,
    osVersion: image.os_version ?? undefined,
    imageRecipe: embedded(image, image.image_recipe, { parentImage: parentOf(image) }),
    sourcePipelineArn: image.source_pipeline_arn ?? undefined,
    infrastructureConfiguration: embedded(image, image.infrastructure_configuration),
    imageTestsConfigurationDocument: image.image_tests_configuration,
    distributionConfiguration:
      image.distribution_configuration === null ? undefined : embedded(image, image.distribution_configuration),
    dateCreated: dateText(image.created_at),
    outputResources: image.status === 'AVAILABLE' ? image.output_resources : { amis: [] },
    buildExecutionId: executionId(executions, 'BUILD'),
    testExecutionId: executionId(executions, 'TEST'),
    distributionJobId: executionId(executions, 'DISTRIBUTION'),
    accountId: image.account_id,
    enhancedImageMetadataEnabled: image.enhanced_image_metadata_enabled,
    buildType: image.build_type,
    tags: image.tags,
  };
  // The number is larger than those that JavaScript writes exactly.
  return JSON.stringify(body).replace(`"${SEMVER}"`, String(packedVersion(image)));
}

const SEMVER = '<semver>';

/** Four numbers in one: three of 30 bits below the major version. */
function packedVersion({ major, minor, patch, build }: ImageRow): bigint {
  return [major, minor, patch, build].reduce((packed, node) => (packed << 30n) + BigInt(node), 0n);
}

function versionlessArn(text: string): string {
  const arn = parseArn(text);
  if (arn === undefined) return text;
  const { version: _version, build: _build, ...rest } = arn;
  return formatArn(rest);
}

function parentOf(image: ImageRow): unknown {
  const written = String(image.image_recipe['parentImage'] ?? '');
  return image.resolved?.parentAmiId ?? image.dependencies?.[written] ?? written;
}

/** A definition as it was when the build was asked for. */
function embedded(image: ImageRow, definition: Readonly<Record<string, unknown>>, changed: object = {}): object {
  const { tags, dateCreated, ...members } = definition;
  return {
    ...members,
    ...changed,
    ...(typeof dateCreated === 'string' ? { dateCreated: dateText(new Date(dateCreated)) } : {}),
    tags: { ...(tags as object | undefined), resourceArn: definition['arn'] },
    accountId: image.account_id,
  };
}

/** An execution's UUID. */
function executionId(executions: readonly Execution[], type: Execution['type']): string | undefined {
  return executions.find((execution) => execution.type === type)?.id.replace(/^wf-/, '');
}

/** `Jul 28, 2022 1:13:45 AM` */
function dateText(date: Date): string {
  const month = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'][
    date.getUTCMonth()
  ];
  const hours = date.getUTCHours();
  const [minutes, seconds] = [date.getUTCMinutes(), date.getUTCSeconds()].map((part) => String(part).padStart(2, '0'));
  const time = `${hours % 12 === 0 ? 12 : hours % 12}:${minutes}:${seconds} ${hours < 12 ? 'AM' : 'PM'}`;
  return `${month} ${date.getUTCDate()}, ${date.getUTCFullYear()} ${time}`;
}
