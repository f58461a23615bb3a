import type { Caller, InputOf, OperationName, Operations, OutputOf } from '../contract/operations.ts';
import { cancelImageCreation } from './cancel-image.ts';
import { createComponent, deleteComponent, getComponent } from './components.ts';
import {
  createContainerRecipe,
  deleteContainerRecipe,
  getContainerRecipe,
  listContainerRecipes,
} from './container-recipes.ts';
import {
  createDistributionConfiguration,
  deleteDistributionConfiguration,
  getDistributionConfiguration,
  updateDistributionConfiguration,
} from './distribution-configurations.ts';
import { createImage } from './image-builds.ts';
import { listImagePackages } from './image-packages.ts';
import { createImagePipeline, deleteImagePipeline, getImagePipeline, updateImagePipeline } from './image-pipelines.ts';
import { createImageRecipe, deleteImageRecipe, getImageRecipe } from './image-recipes.ts';
import { deleteImage, getImage } from './images.ts';
import { importComponent } from './import-component.ts';
import {
  createInfrastructureConfiguration,
  deleteInfrastructureConfiguration,
  getInfrastructureConfiguration,
  updateInfrastructureConfiguration,
} from './infrastructure-configurations.ts';
import {
  cancelLifecycleExecution,
  getLifecycleExecution,
  listLifecycleExecutionResources,
  listLifecycleExecutions,
} from './lifecycle-executions.ts';
import {
  createLifecyclePolicy,
  deleteLifecyclePolicy,
  getLifecyclePolicy,
  listLifecyclePolicies,
  updateLifecyclePolicy,
} from './lifecycle-policies.ts';
import { listComponentBuildVersions, listComponents } from './list-components.ts';
import {
  listDistributionConfigurations,
  listImagePipelines,
  listImageRecipes,
  listInfrastructureConfigurations,
} from './list-definitions.ts';
import { listImageBuildVersions, listImagePipelineImages, listImages } from './list-images.ts';
import { listWorkflowBuildVersions, listWorkflows } from './list-workflows.ts';
import { distributeImage, getMarketplaceResource, importDiskImage, importVmImage } from './refused-operations.ts';
import {
  getComponentPolicy,
  getContainerRecipePolicy,
  getImagePolicy,
  getImageRecipePolicy,
  putComponentPolicy,
  putContainerRecipePolicy,
  putImagePolicy,
  putImageRecipePolicy,
} from './resource-policies.ts';
import { startResourceStateUpdate } from './resource-state-updates.ts';
import { retryImage } from './retry-image.ts';
import { listImageScanFindingAggregations, listImageScanFindings } from './scan-findings.ts';
import type { Service } from './service.ts';
import { startImagePipelineExecution } from './start-pipeline.ts';
import { listTagsForResource, tagResource, untagResource } from './tags.ts';
import { listWaitingWorkflowSteps, sendWorkflowStepAction } from './waiting-steps.ts';
import {
  getWorkflowExecution,
  getWorkflowStepExecution,
  listWorkflowExecutions,
  listWorkflowStepExecutions,
} from './workflow-executions.ts';
import { createWorkflow, deleteWorkflow, getWorkflow } from './workflows.ts';

type Implementation<Name extends OperationName> = (service: Service, input: InputOf<Name>) => Promise<OutputOf<Name>>;

/** What Kiln implements of each operation's meaning: a function of the service and the request. */
const IMPLEMENTED = {
  CancelImageCreation: cancelImageCreation,
  CancelLifecycleExecution: cancelLifecycleExecution,
  CreateComponent: createComponent,
  CreateContainerRecipe: createContainerRecipe,
  CreateDistributionConfiguration: createDistributionConfiguration,
  CreateImage: createImage,
  CreateImagePipeline: createImagePipeline,
  CreateImageRecipe: createImageRecipe,
  CreateInfrastructureConfiguration: createInfrastructureConfiguration,
  CreateLifecyclePolicy: createLifecyclePolicy,
  CreateWorkflow: createWorkflow,
  DeleteComponent: deleteComponent,
  DeleteContainerRecipe: deleteContainerRecipe,
  DeleteDistributionConfiguration: deleteDistributionConfiguration,
  DeleteImage: deleteImage,
  DeleteImagePipeline: deleteImagePipeline,
  DeleteImageRecipe: deleteImageRecipe,
  DeleteInfrastructureConfiguration: deleteInfrastructureConfiguration,
  DeleteLifecyclePolicy: deleteLifecyclePolicy,
  DeleteWorkflow: deleteWorkflow,
  DistributeImage: distributeImage,
  GetComponent: getComponent,
  GetComponentPolicy: getComponentPolicy,
  GetContainerRecipe: getContainerRecipe,
  GetContainerRecipePolicy: getContainerRecipePolicy,
  GetDistributionConfiguration: getDistributionConfiguration,
  GetImage: getImage,
  GetImagePipeline: getImagePipeline,
  GetImagePolicy: getImagePolicy,
  GetImageRecipe: getImageRecipe,
  GetImageRecipePolicy: getImageRecipePolicy,
  GetInfrastructureConfiguration: getInfrastructureConfiguration,
  GetLifecycleExecution: getLifecycleExecution,
  GetLifecyclePolicy: getLifecyclePolicy,
  GetMarketplaceResource: getMarketplaceResource,
  GetWorkflow: getWorkflow,
  GetWorkflowExecution: getWorkflowExecution,
  GetWorkflowStepExecution: getWorkflowStepExecution,
  ImportComponent: importComponent,
  ImportDiskImage: importDiskImage,
  ImportVmImage: importVmImage,
  ListComponentBuildVersions: listComponentBuildVersions,
  ListComponents: listComponents,
  ListContainerRecipes: listContainerRecipes,
  ListDistributionConfigurations: listDistributionConfigurations,
  ListImageBuildVersions: listImageBuildVersions,
  ListImagePackages: listImagePackages,
  ListImagePipelineImages: listImagePipelineImages,
  ListImagePipelines: listImagePipelines,
  ListImageRecipes: listImageRecipes,
  ListImageScanFindingAggregations: listImageScanFindingAggregations,
  ListImageScanFindings: listImageScanFindings,
  ListImages: listImages,
  ListInfrastructureConfigurations: listInfrastructureConfigurations,
  ListLifecycleExecutionResources: listLifecycleExecutionResources,
  ListLifecycleExecutions: listLifecycleExecutions,
  ListLifecyclePolicies: listLifecyclePolicies,
  ListTagsForResource: listTagsForResource,
  ListWaitingWorkflowSteps: listWaitingWorkflowSteps,
  ListWorkflowBuildVersions: listWorkflowBuildVersions,
  ListWorkflowExecutions: listWorkflowExecutions,
  ListWorkflowStepExecutions: listWorkflowStepExecutions,
  ListWorkflows: listWorkflows,
  PutComponentPolicy: putComponentPolicy,
  PutContainerRecipePolicy: putContainerRecipePolicy,
  PutImagePolicy: putImagePolicy,
  PutImageRecipePolicy: putImageRecipePolicy,
  RetryImage: retryImage,
  SendWorkflowStepAction: sendWorkflowStepAction,
  StartImagePipelineExecution: startImagePipelineExecution,
  StartResourceStateUpdate: startResourceStateUpdate,
  TagResource: tagResource,
  UntagResource: untagResource,
  UpdateDistributionConfiguration: updateDistributionConfiguration,
  UpdateImagePipeline: updateImagePipeline,
  UpdateInfrastructureConfiguration: updateInfrastructureConfiguration,
  UpdateLifecyclePolicy: updateLifecyclePolicy,
} satisfies { readonly [Name in OperationName]: Implementation<Name> };

export type ImplementedOperations = Pick<Operations, keyof typeof IMPLEMENTED>;

/** The handlers that api/ calls. An operation that is not among them is not there yet. */
export function operationHandlers(service: Service): ImplementedOperations {
  const handlers = Object.entries(IMPLEMENTED).map(([name, implementation]) => [
    name,
    (input: never, caller: Caller) => implementation({ ...service, accountId: caller.accountId, caller }, input),
  ]);
  // The table above was checked name by name; binding the service keeps each name with its function.
  return Object.fromEntries(handlers) as ImplementedOperations;
}
