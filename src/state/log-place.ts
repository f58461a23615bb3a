import type { ImageRow } from './find-resource.ts';

export interface LogPlace {
  /** As it is stored, of one account: two may have images of one name and version. */
  readonly group: string;
  readonly stream: string;
}

export interface ImageLogPlace extends LogPlace {
  /** Of the group, as its owner knows it. */
  readonly groupName: string;
}

type LoggedImage = Pick<ImageRow, 'account_id' | 'name' | 'version' | 'build' | 'logging_configuration'>;

/**
 * Group and stream of an image's log, its owner's choice of a group included. Source: EC2 Image Builder User Guide,
 * "Monitor Image Builder logs".
 */
export function logPlaceOf(image: LoggedImage): ImageLogPlace {
  const chosen = image.logging_configuration?.['logGroupName'];
  const groupName = typeof chosen === 'string' ? chosen : `/aws/imagebuilder/${image.name}`;
  return { groupName, group: accountGroup(image.account_id, groupName), stream: `${image.version}/${image.build}` };
}

export interface LoggedPipeline {
  readonly accountId: string;
  readonly name: string;
  /** `loggingConfiguration.pipelineLogGroupName` */
  readonly groupName: string | undefined;
}

/** A pipeline's log has a stream for each day, in UTC. */
export function pipelineLogPlace({ accountId, name, groupName }: LoggedPipeline, at: Date): LogPlace {
  return {
    group: accountGroup(accountId, groupName ?? `/aws/imagebuilder/pipeline/${name}`),
    stream: at.toISOString().slice(0, 10).replaceAll('-', '/'),
  };
}

/** How a group is stored: names alone are the same in every account. */
export function accountGroup(accountId: string, name: string): string {
  return `${accountId}:${name}`;
}
