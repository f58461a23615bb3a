/**
 * Members of the service model that are newer than the pinned `@aws-sdk/client-imagebuilder` 3.1046.0, laid over its
 * schemas by model.ts. Without them a `dryRun` would be dropped on decoding and become a real create. Types for
 * handlers: newer-members.types.ts. A test fails when the package knows an entry, which then goes away here.
 * Source: service model of botocore 1.43.107, API version 2019-12-02.
 */
export type NewerShape =
  | 'string'
  | 'number'
  | 'boolean'
  | { readonly list: NewerShape }
  | { readonly structure: NewerStructureName };

type NewerMembers = Readonly<Record<string, NewerShape>>;

const DRY_RUN = { dryRun: 'boolean' } as const;
const ATTEMPTS = { attemptNumber: 'number', maxAttempts: 'number' } as const;
const WATERMARKS = { amiWatermarks: { list: 'string' } } as const;

/** Further members of structures that the package has. */
export const NEWER_MEMBERS: Readonly<Record<string, NewerMembers>> = {
  CreateImageRecipeRequest: { ...DRY_RUN, ...WATERMARKS },
  CreateContainerRecipeRequest: DRY_RUN,
  CreateInfrastructureConfigurationRequest: DRY_RUN,
  CreateDistributionConfigurationRequest: DRY_RUN,
  CreateImagePipelineRequest: DRY_RUN,
  CreateLifecyclePolicyRequest: DRY_RUN,
  ImageRecipe: WATERMARKS,
  ImageState: { failureContext: { structure: 'ImageFailureContext' } },
  GetWorkflowStepExecutionResponse: ATTEMPTS,
  WorkflowStepMetadata: ATTEMPTS,
};

/** Structures that the package does not have. */
export const NEWER_STRUCTURES = {
  ImageFailureContext: {
    imageStatus: 'string',
    workflowExecutionId: 'string',
    workflowArn: 'string',
    stepExecutionId: 'string',
    failedStep: 'string',
    componentFailure: { structure: 'ComponentFailureContext' },
    distributionFailure: { structure: 'DistributionFailureContext' },
  },
  ComponentFailureContext: {
    componentArn: 'string',
    phaseName: 'string',
    stepName: 'string',
    action: 'string',
    errorMessage: 'string',
  },
  DistributionFailureContext: { errorMessage: 'string', regionFailures: { list: { structure: 'RegionFailure' } } },
  RegionFailure: {
    region: 'string',
    status: 'string',
    imageConfigurationStep: 'string',
    errorMessage: 'string',
    targetAccountId: 'string',
  },
} as const;

type NewerStructureName =
  | 'ImageFailureContext'
  | 'ComponentFailureContext'
  | 'DistributionFailureContext'
  | 'RegionFailure';
