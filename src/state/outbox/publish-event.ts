import { randomUUID } from 'node:crypto';
import type { Kysely } from 'kysely';
import { parseArn } from '../../contract/arn.ts';
import type { Database } from '../tables.ts';

/** EventBridge's envelope. Source: EventBridge User Guide, "Events"; EC2 Image Builder User Guide, "Amazon EventBridge integration". */
export interface EventEnvelope {
  readonly version: '0';
  readonly id: string;
  readonly 'detail-type': string;
  readonly source: 'aws.imagebuilder';
  readonly account: string;
  /** Without milliseconds. */
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface NewEvent {
  readonly detailType: DetailType;
  /** The first one is what the event is about: events about one thing are delivered in order. */
  readonly resources: readonly [string, ...string[]];
  readonly detail: Readonly<Record<string, unknown>>;
  readonly at: Date;
}

export const DETAIL_TYPES = {
  imageStateChange: 'EC2 Image Builder Image State Change',
  cveDetected: 'EC2 Image Builder CVE Detected',
  workflowStepWaiting: 'EC2 Image Builder Workflow Step Waiting',
  pipelineDisabled: 'EC2 Image Builder Image Pipeline Automatically Disabled',
} as const;

export type DetailType = (typeof DETAIL_TYPES)[keyof typeof DETAIL_TYPES];

/**
 * Tells the rules of something that happened, in the transaction that made it happen: both or neither. The caller holds
 * the row of what the event is about (the image's, the pipeline's), which keeps events in order.
 */
export async function publishEvent(trx: Kysely<Database>, event: NewEvent): Promise<void> {
  const [about] = event.resources;
  const arn = parseArn(about);
  const id = randomUUID();
  const envelope: EventEnvelope = {
    version: '0',
    id,
    'detail-type': event.detailType,
    source: 'aws.imagebuilder',
    account: arn?.owner ?? '',
    time: event.at.toISOString().replace(/\.\d{3}Z$/, 'Z'),
    region: arn?.region ?? '',
    resources: event.resources,
    detail: event.detail,
  };
  await trx
    .insertInto('outbox')
    .values({ kind: 'event', uid: id, about, topic_arn: null, body: JSON.stringify(envelope), created_at: event.at })
    .execute();
}

/** A step of a workflow waits for RESUME or STOP. */
export function publishStepWaiting(
  trx: Kysely<Database>,
  step: {
    readonly imageArn: string;
    readonly workflowArn: string;
    readonly workflowExecutionId: string;
    readonly stepExecutionId: string;
    readonly stepName: string;
    readonly at: Date;
  },
): Promise<void> {
  return publishEvent(trx, {
    detailType: DETAIL_TYPES.workflowStepWaiting,
    resources: [step.imageArn, step.workflowArn],
    detail: {
      'workflow-execution-id': step.workflowExecutionId,
      'workflow-step-execution-id': step.stepExecutionId,
      'workflow-step-name': step.stepName,
    },
    at: step.at,
  });
}

/** A scan of an image has ended, with or without findings. */
export function publishCveDetected(
  trx: Kysely<Database>,
  scan: {
    readonly imageArn: string;
    readonly pipelineArn?: string | undefined;
    readonly instanceId: string;
    readonly severityCounts: {
      readonly all: number;
      readonly critical: number;
      readonly high: number;
      readonly medium: number;
    };
    readonly at: Date;
  },
): Promise<void> {
  return publishEvent(trx, {
    detailType: DETAIL_TYPES.cveDetected,
    resources: [scan.imageArn, ...(scan.pipelineArn === undefined ? [] : [scan.pipelineArn])],
    detail: { 'resource-id': scan.instanceId, 'finding-severity-counts': scan.severityCounts },
    at: scan.at,
  });
}
