/**
 * The tables, as Kysely sees them. `migrations/` makes them; a change here comes with a new migration file.
 *
 * Two kinds of rows: *resources* are what people define and never change by themselves (components, recipes,
 * configurations, pipelines); *images* and the executions below them are records of builds, changed by the
 * functions of transitions/, one file each.
 */
import type { ColumnType, GeneratedAlways } from 'kysely';

export interface Database {
  resources: ResourcesTable;
  resource_references: ResourceReferencesTable;
  pipeline_schedules: PipelineSchedulesTable;
  build_numbers: BuildNumbersTable;
  client_tokens: ClientTokensTable;
  images: ImagesTable;
  image_packages: ImagePackagesTable;
  workflow_executions: WorkflowExecutionsTable;
  workflow_step_executions: WorkflowStepExecutionsTable;
  waiting_steps: WaitingStepsTable;
  component_steps: ComponentStepsTable;
  workers: WorkersTable;
  events: EventsTable;
  log_events: LogEventsTable;
  outbox: OutboxTable;
  deliveries: DeliveriesTable;
  delivery_routes: DeliveryRoutesTable;
  rules: RulesTable;
  rule_targets: RuleTargetsTable;
  topics: TopicsTable;
  topic_subscriptions: TopicSubscriptionsTable;
  lifecycle_executions: LifecycleExecutionsTable;
  lifecycle_execution_resources: LifecycleExecutionResourcesTable;
}

/** A jsonb column: objects in, objects out. */
type Json<T> = ColumnType<T, string, string>;
/** Empty when it is not given. */
type Accounts = ColumnType<string[], string[] | undefined, string[]>;
type Timestamp = ColumnType<Date, Date | string, Date | string>;

export type ResourceKind =
  | 'component'
  | 'image-recipe'
  | 'container-recipe'
  | 'infrastructure-configuration'
  | 'distribution-configuration'
  | 'image-pipeline'
  | 'lifecycle-policy'
  | 'workflow';

/** Definitions. Versioned kinds fill the version columns; only components and workflows have a build. */
export interface ResourcesTable {
  /** Creation order; what page tokens point at. */
  seq: GeneratedAlways<string>;
  arn: string;
  kind: ResourceKind;
  account_id: string;
  region: string;
  /** As given by the caller. */
  name: string;
  /** As in the ARN; of workflows with their type: `build/my-workflow`. */
  slug: string;
  major: number | null;
  minor: number | null;
  patch: number | null;
  build: number | null;
  /** The version as written in the ARN (leading zeros kept), without the build. */
  version: string | null;
  /** The AWS-shaped resource without `arn` and `tags`, exactly as Get answers it. */
  document: Json<Record<string, unknown>>;
  tags: Json<Record<string, string>>;
  /** The resource policy, as it was put; null when none was. */
  policy: string | null;
  /** The accounts that the policy names in statements that allow something: who may find something here. */
  shared_with: Accounts;
  created_at: Timestamp;
  updated_at: Timestamp | null;
}

/** Who depends on whom; `to_arn` is as written, so it may carry wildcards. */
export interface ResourceReferencesTable {
  from_arn: string;
  to_arn: string;
}

/** When a pipeline with a schedule runs (transitions/claim-slots.ts, resources/run-pipeline-slot.ts). */
export interface PipelineSchedulesTable {
  pipeline_arn: string;
  /** As in the pipeline's `schedule`. */
  expression: string;
  timezone: string;
  /** What a rate counts from. */
  since: Timestamp;
  /** The next time that the schedule matches; null when it never does again, and while the pipeline is DISABLED. */
  next_slot: Timestamp | null;
  /** A slot that has come and whose execution is still to be started. Further slots that come meanwhile are one with it. */
  due_slot: Timestamp | null;
  /** When that is to be tried. */
  not_before: Timestamp | null;
  /** What the clock said when `next_slot` was worked out; later than now means that the clock was put back. */
  looked_at: Timestamp;
  consecutive_failures: ColumnType<number, number | undefined, number>;
}

/** The highest build number ever given per version, so that a deleted build's ARN and log stream never come back. */
export interface BuildNumbersTable {
  kind: 'component' | 'image' | 'workflow';
  account_id: string;
  region: string;
  slug: string;
  major: number;
  minor: number;
  patch: number;
  last_build: number;
}

export interface ClientTokensTable {
  account_id: string;
  operation: string;
  token: string;
  /** sha256 over the canonical parameters without the token. */
  parameters_hash: string;
  response: Json<Record<string, unknown>>;
  created_at: Timestamp;
}

export type ImageStatus =
  | 'PENDING'
  | 'CREATING'
  | 'BUILDING'
  | 'TESTING'
  | 'DISTRIBUTING'
  | 'INTEGRATING'
  | 'AVAILABLE'
  | 'CANCELLED'
  | 'FAILED'
  | 'DEPRECATED'
  | 'DELETED'
  | 'DISABLED';

export interface ImagesTable {
  seq: GeneratedAlways<string>;
  /** Image build version ARN. */
  arn: string;
  account_id: string;
  region: string;
  name: string;
  slug: string;
  major: number;
  minor: number;
  patch: number;
  build: number;
  version: string;
  status: ImageStatus;
  reason: string | null;
  failure_context: Json<Record<string, unknown>> | null;
  build_type: 'USER_INITIATED' | 'SCHEDULED' | 'IMPORT' | 'IMPORT_ISO';
  platform: 'Linux' | 'Windows' | 'macOS';
  os_version: string | null;
  /** Snapshots of the definitions as they were when the build was asked for, AWS-shaped with their ARNs. */
  image_recipe: Json<Record<string, unknown>>;
  infrastructure_configuration: Json<Record<string, unknown>>;
  distribution_configuration: Json<Record<string, unknown>> | null;
  image_tests_configuration: Json<{ imageTestsEnabled: boolean; timeoutMinutes: number }>;
  enhanced_image_metadata_enabled: boolean;
  source_pipeline_arn: string | null;
  source_pipeline_name: string | null;
  logging_configuration: Json<Record<string, unknown>> | null;
  /** The slot of the pipeline's schedule that it was started for. */
  schedule_slot: ColumnType<Date | null, Date | string | null | undefined, Date | string | null>;
  /** What the references of a pipeline's recipe meant when it was started: reference as written to what it means. */
  dependencies: ColumnType<Record<string, string> | null, string | null | undefined, string | null>;
  /** AWS's OutputResources: `{amis: [{region, image, name, description, accountId}]}`. */
  output_resources: Json<Record<string, unknown>>;
  tags: Json<Record<string, string>>;
  /** Both as in {@link ResourcesTable}. */
  policy: string | null;
  shared_with: Accounts;
  /** Since when it is DEPRECATED; null in every other state. */
  deprecation_time: Timestamp | null;
  /** The last lifecycle execution that changed its state. */
  lifecycle_execution_id: string | null;
  /** The WorkflowConfigurations of the image with build version ARNs, in their order; null: the managed workflows. */
  workflows: Json<readonly WorkflowConfigurationRecord[]> | null;
  execution_role: string | null;
  /** What the definitions meant when the build began; who goes on with it later must mean the same. */
  resolved: Json<ResolvedDefinitions> | null;
  /**
   * Set while nobody works on a build that has begun: until then it waits for somebody's decision, or for a worker when
   * the time is over. Whoever takes it then clears it (transitions/resume-image.ts).
   */
  parked_until: Timestamp | null;
  /** Set by CancelImageCreation; the worker that runs the build watches it. */
  cancel_requested_at: Timestamp | null;
  /** Since when a worker may take the image, to begin or to go on. The rows are the queue, in the order of `seq`. */
  queued_from: ColumnType<Date | null, Date | string | null | undefined, Date | string | null>;
  /** The worker that claimed the image last; null when it gave the image up by itself. */
  worker_id: string | null;
  /** {@link WorkersTable.place} of the worker that claimed it last: its instances and AMIs are there. */
  place: ColumnType<string | null, string | null | undefined, string | null>;
  /** Who had it before, and may still come back for what is on record (transitions/predecessors.ts). */
  predecessors: ColumnType<readonly Predecessor[], string | undefined, string>;
  /** How often a workflow of it began anew because its worker was lost. */
  restarts: ColumnType<number, number | undefined, number>;
  /** Raised by each claim. Transitions of an older claim change nothing. */
  epoch: number;
  created_at: Timestamp;
  started_at: Timestamp | null;
  ended_at: Timestamp | null;
}

/** Who had an image, and where. No worker: it gave the image up by itself. No place: nobody knows any more. */
export interface Predecessor {
  readonly workerId: string | null;
  readonly place: string | null;
}

export interface ResolvedDefinitions {
  readonly parentAmiId: string;
  /** Component build version ARNs, in the order of the recipe. */
  readonly componentArns: readonly string[];
}

/** AWS's WorkflowConfiguration. */
export interface WorkflowConfigurationRecord {
  readonly workflowArn: string;
  readonly parameters?: { readonly name: string; readonly value: string[] }[] | undefined;
  readonly parallelGroup?: string | undefined;
  readonly onFailure?: 'CONTINUE' | 'ABORT' | undefined;
}

export interface ImagePackagesTable {
  image_arn: string;
  position: number;
  package_name: string;
  package_version: string;
}

export type WorkflowExecutionStatus =
  | 'PENDING'
  | 'SKIPPED'
  | 'RUNNING'
  | 'COMPLETED'
  | 'FAILED'
  | 'ROLLBACK_IN_PROGRESS'
  | 'ROLLBACK_COMPLETED'
  | 'CANCELLED';

export interface WorkflowExecutionsTable {
  /** `wf-<uuid>` */
  id: string;
  image_arn: string;
  workflow_arn: string;
  type: 'BUILD' | 'TEST' | 'DISTRIBUTION';
  status: WorkflowExecutionStatus;
  message: string | null;
  total_step_count: number;
  /** Order within the image. */
  position: number;
  parallel_group: string | null;
  /** Of an earlier try: RetryImage began its phase anew. */
  retried: ColumnType<boolean, boolean | undefined, boolean>;
  started_at: Timestamp | null;
  ended_at: Timestamp | null;
}

export type StepExecutionStatus = 'PENDING' | 'SKIPPED' | 'RUNNING' | 'COMPLETED' | 'FAILED' | 'CANCELLED';

export interface WorkflowStepExecutionsTable {
  /** `step-<uuid>` */
  id: string;
  workflow_execution_id: string;
  image_arn: string;
  name: string;
  description: string | null;
  action: string;
  status: StepExecutionStatus;
  rollback_status: 'RUNNING' | 'COMPLETED' | 'SKIPPED' | 'FAILED' | null;
  message: string | null;
  /** Resolved inputs once it ran, unresolved ones (`x.$`) before and when skipped. */
  inputs: Json<Record<string, unknown>>;
  outputs: Json<Record<string, unknown>> | null;
  on_failure: 'Abort' | 'Continue';
  timeout_seconds: number;
  attempt_number: number;
  max_attempts: number;
  /** Order within the workflow execution. */
  position: number;
  started_at: Timestamp | null;
  ended_at: Timestamp | null;
  /** The engine's FailureOnRecord; null as well when an older Kiln wrote the row. */
  failure: ColumnType<Record<string, unknown> | null, string | null | undefined, string | null>;
  /** How long the document steps took that ended well, by {@link documentStepKey} (step-history.ts). */
  document_seconds: ColumnType<Record<string, number> | null, string | null | undefined, string | null>;
}

/** Steps that wait for RESUME or STOP, and those that were answered. */
export interface WaitingStepsTable {
  /** Order of page tokens. */
  seq: GeneratedAlways<string>;
  step_execution_id: string;
  image_arn: string;
  since: Timestamp;
  /** Nobody can answer any more from here on. */
  deadline: Timestamp;
  action: 'RESUME' | 'STOP' | null;
  reason: string | null;
  answered_at: Timestamp | null;
  /** When all had been told that it waits; null: that was cut short. */
  notified_at: Timestamp | null;
}

/** Steps of component documents that an attempt of an ExecuteComponents step has begun, kept until it ends. */
export interface ComponentStepsTable {
  step_execution_id: string;
  /** Index among the step's documents. */
  document: number;
  phase: string;
  step: string;
  /** Order in which they began. */
  seq: GeneratedAlways<string>;
  /** toe's FinishedStep; null while it runs. */
  finished: Json<Record<string, unknown>> | null;
}

/** Processes that build. */
export interface WorkersTable {
  /** `w-<uuid>`, one per process. */
  id: string;
  /** Machine and home: workers of one place find each other's instances and disks. */
  place: string;
  capacity: Json<WorkerCapacity>;
  /** By the clock of the database, as the heartbeat. */
  started_at: ColumnType<Date, undefined, Date>;
  heartbeat_at: ColumnType<Date, undefined, Date>;
}

/** What a worker can give to builds at a time. */
export interface WorkerCapacity {
  readonly builds: number;
  readonly vcpus: number;
  readonly memoryMiB: number;
  readonly diskMiB: number;
  /** Of the memory, what instances hold that no build of the worker runs on: kept ones, and those of parked builds. */
  readonly heldMemoryMiB?: number;
}

/** What happened, written in the transaction that made it happen. */
export interface EventsTable {
  id: GeneratedAlways<string>;
  image_arn: string;
  type: EventType;
  detail: Json<Record<string, unknown>>;
  created_at: Timestamp;
}

/**
 * `image`: the image's status changed, detail `{status, reason?}`.
 * `step`: a workflow step changed, detail `{workflow, stepExecutionId, name, action, status, message?, seconds?}`.
 */
export type EventType = 'image' | 'step';

/** Lines of builds. Groups are each account's own: `ACCOUNT:/aws/imagebuilder/NAME`. Streams are like `1.0.0/1`. */
export interface LogEventsTable {
  id: GeneratedAlways<string>;
  log_group: string;
  log_stream: string;
  /** When the line was said, not when it was stored. */
  timestamp: Timestamp;
  /** The workflow step that was running, or null. */
  step_name: string | null;
  source: 'stdout' | 'stderr' | 'console' | 'kiln';
  message: string;
}

export type LifecycleAction = 'AVAILABLE' | 'DELETE' | 'DEPRECATE' | 'DISABLE';

/** Changes of the state of an image that its owner asked for. */
export interface LifecycleExecutionsTable {
  seq: GeneratedAlways<string>;
  /** `lce-<uuid>` */
  id: string;
  account_id: string;
  region: string;
  /** The image build version. It outlives the image's record. */
  image_arn: string;
  status: 'IN_PROGRESS' | 'SUCCESS' | 'FAILED';
  reason: string | null;
  action: LifecycleAction;
  /** What the image goes back to when the execution fails. */
  previous_status: ImageStatus;
  started_at: Timestamp;
  ended_at: Timestamp | null;
}

/** The AMIs that a lifecycle execution acts on. */
export interface LifecycleExecutionResourcesTable {
  lifecycle_execution_id: string;
  position: number;
  ami_id: string;
  status: 'IN_PROGRESS' | 'SUCCESS' | 'FAILED';
  reason: string | null;
  ended_at: Timestamp | null;
}

/** Events for rules and messages for topics, written in the transaction of what they tell of. */
export interface OutboxTable {
  id: GeneratedAlways<string>;
  kind: 'event' | 'message';
  /** The event's id, the message's MessageId. */
  uid: ColumnType<string, string | undefined, never>;
  /** An ARN; what is about one thing is delivered in order. */
  about: string;
  topic_arn: string | null;
  /** An event's envelope, or `{subject?, message}`. */
  body: Json<Record<string, unknown>>;
  created_at: Timestamp;
  /** When its deliveries were made. */
  dispatched_at: ColumnType<Date | null, Date | string | null | undefined, Date | string | null>;
  /** Order of dispatching, for who reads on. */
  position: ColumnType<string | null, never, string>;
}

/** What one target or subscription is still to get. A delivery that succeeded has no row any more. */
export interface DeliveriesTable {
  id: GeneratedAlways<string>;
  outbox_id: string;
  /** Where to: `rule/NAME/TARGET`, `subscription/ARN`. */
  route: string;
  about: string;
  attempts: ColumnType<number, number | undefined, number>;
  created_at: Timestamp;
  next_attempt_at: Timestamp;
  /** Until then somebody is at it. */
  leased_until: ColumnType<Date | null, Date | string | null | undefined, Date | string | null>;
  last_error: ColumnType<string | null, string | null | undefined, string | null>;
  /** Given up; it stays for people to see. */
  dead_at: ColumnType<Date | null, Date | string | null | undefined, Date | string | null>;
}

/** Routes that fail are left alone for a while, however many deliveries wait for them. */
export interface DeliveryRoutesTable {
  route: string;
  /** In a row. */
  failures: number;
  blocked_until: Timestamp;
}

/** Which events go where. */
export interface RulesTable {
  name: string;
  description: string | null;
  /** An EventBridge event pattern. */
  pattern: Json<Record<string, unknown>>;
  enabled: boolean;
  created_at: Timestamp;
}

export interface RuleTargetsTable {
  rule_name: string;
  id: string;
  /** A target of events/rule-targets.ts. */
  settings: Json<Record<string, unknown>>;
}

export interface TopicsTable {
  /** `arn:aws:sns:REGION:ACCOUNT:NAME` */
  arn: string;
  account_id: string;
  region: string;
  name: string;
  created_at: Timestamp;
}

export interface TopicSubscriptionsTable {
  seq: GeneratedAlways<string>;
  /** The topic's and a UUID. */
  arn: string;
  topic_arn: string;
  /** An endpoint of notifications/endpoints.ts. */
  endpoint: Json<Record<string, unknown>>;
  created_at: Timestamp;
}
