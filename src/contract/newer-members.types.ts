/**
 * The types of members that are newer than the pinned `@aws-sdk/client-imagebuilder`; `newer-members.ts` says the same
 * to the decoder and encoder. An entry goes away when the package knows the member.
 */
interface DryRun {
  dryRun?: boolean;
}

export interface NewerInputs {
  CreateImageRecipe: DryRun & { amiWatermarks?: string[] };
  CreateContainerRecipe: DryRun;
  CreateInfrastructureConfiguration: DryRun;
  CreateDistributionConfiguration: DryRun;
  CreateImagePipeline: DryRun;
  CreateLifecyclePolicy: DryRun;
}

/** Why an image is FAILED: which step, and what went wrong in it. */
export interface ImageFailureContext {
  imageStatus?: string;
  workflowExecutionId?: string;
  workflowArn?: string;
  stepExecutionId?: string;
  failedStep?: string;
  componentFailure?: ComponentFailureContext;
  distributionFailure?: DistributionFailureContext;
}

export interface ComponentFailureContext {
  componentArn?: string;
  phaseName?: string;
  stepName?: string;
  action?: string;
  errorMessage?: string;
}

export interface DistributionFailureContext {
  errorMessage?: string;
  regionFailures?: RegionFailure[];
}

export interface RegionFailure {
  region?: string;
  status?: 'FAILED' | 'CANCELLED' | 'TIMED_OUT';
  imageConfigurationStep?:
    | 'ASSOCIATE_LICENSES'
    | 'UPDATE_LAUNCH_TEMPLATES'
    | 'PUT_SSM_PARAMETERS'
    | 'UPDATE_FAST_LAUNCH_CONFIGURATIONS'
    | 'EXPORT_AMI';
  errorMessage?: string;
  targetAccountId?: string;
}

interface WithFailureContext {
  state?: { failureContext?: ImageFailureContext };
}

interface Attempts {
  attemptNumber?: number;
  maxAttempts?: number;
}

export interface NewerOutputs {
  GetImage: { image?: WithFailureContext & { imageRecipe?: { amiWatermarks?: string[] } } };
  GetImageRecipe: { imageRecipe?: { amiWatermarks?: string[] } };
  ListImageBuildVersions: { imageSummaryList?: WithFailureContext[] };
  ListImagePipelineImages: { imageSummaryList?: WithFailureContext[] };
  GetWorkflowStepExecution: Attempts;
  ListWorkflowStepExecutions: { steps?: Attempts[] };
}
