import type { Distribution } from '@aws-sdk/client-imagebuilder';
import type { Executor } from '../build-host/build-host.ts';
import type { WorkflowDocument, WorkflowValue } from '../documents/workflow.ts';
import type { MachineImage } from '../image-store/image-store.ts';
import type { RunnableDocument } from '../toe/run-documents.types.ts';

/** All that a build needs to know, looked up and parsed before anything is touched. */
export interface BuildPlan {
  readonly imageArn: string;
  readonly imageName: string;
  /** `1.2.3` */
  readonly version: string;
  readonly buildNumber: number;
  readonly pipelineArn: string | undefined;
  readonly platform: 'Linux' | 'Windows' | 'macOS';
  readonly parent: MachineImage;
  /** In the order of the recipe; ids are component build version ARNs. */
  readonly components: readonly PlannedComponent[];
  /** Absolute folder in the guest. */
  readonly workingDirectory: string;
  /** The recipe's own cloud-init user data, decoded. */
  readonly userData: Uint8Array | undefined;
  readonly rootVolumeSizeGiB: number | undefined;
  readonly extraVolumes: readonly { readonly deviceName: string; readonly sizeGiB: number }[];
  readonly instanceTypes: readonly string[];
  /** How the build instance runs components. */
  readonly executor: Executor;
  readonly instanceProfileName: string;
  /** False keeps a failed instance for a person to look at. */
  readonly terminateInstanceOnFailure: boolean;
  readonly collectMetadata: boolean;
  readonly output: AmiDetails;
  /** Where the AMI goes and what is done with it there; empty: it stays as it was made. */
  readonly distributions: readonly Distribution[];
  /** Name, description and tags of the AMI that another distribution would give it. */
  readonly describe: (distribution: Distribution) => AmiDetails;
  /** The group as its owner knows it. */
  readonly log: { readonly groupName: string; readonly stream: string };
  /** In the order of their stages; those of tests that are off are not among them. */
  readonly workflows: readonly PlannedWorkflow[];
}

export interface PlannedComponent extends RunnableDocument {
  /** Names of steps that may run again on the same machine when they were interrupted (steps/component-journal.ts). */
  readonly repeatable: 'all' | readonly string[];
}

export interface PlannedWorkflow {
  /** Workflow build version ARN. */
  readonly arn: string;
  readonly document: WorkflowDocument;
  /** Every parameter of the document has a value. */
  readonly parameters: Readonly<Record<string, WorkflowValue>>;
  /** Test workflows of one group run at the same time; without one, a workflow runs alone. */
  readonly parallelGroup: string | undefined;
  /** What becomes of the image when the workflow fails. */
  readonly onFailure: 'ABORT' | 'CONTINUE';
}

/** How the AMI is recorded, from the recipe and the distribution configuration of the own Region. */
export interface AmiDetails {
  readonly name: string;
  readonly description: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
}
