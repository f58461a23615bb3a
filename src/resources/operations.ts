import type { InputOf, OperationName, Operations, OutputOf } from '../contract/operations.ts';
import { cancelImageCreation } from './cancel-image.ts';
import { createComponent, deleteComponent, getComponent } from './components.ts';
import {
  createDistributionConfiguration,
  deleteDistributionConfiguration,
  getDistributionConfiguration,
  updateDistributionConfiguration,
} from './distribution-configurations.ts';
import { createImage, startImagePipelineExecution } from './image-builds.ts';
import { listImagePackages } from './image-packages.ts';
import { createImagePipeline, deleteImagePipeline, getImagePipeline, updateImagePipeline } from './image-pipelines.ts';
import { createImageRecipe, deleteImageRecipe, getImageRecipe } from './image-recipes.ts';
import { deleteImage, getImage } from './images.ts';
import {
  createInfrastructureConfiguration,
  deleteInfrastructureConfiguration,
  getInfrastructureConfiguration,
  updateInfrastructureConfiguration,
} from './infrastructure-configurations.ts';
import { listComponentBuildVersions, listComponents } from './list-components.ts';
import {
  listDistributionConfigurations,
  listImagePipelines,
  listImageRecipes,
  listInfrastructureConfigurations,
} from './list-definitions.ts';
import { listImageBuildVersions, listImagePipelineImages, listImages } from './list-images.ts';
import type { Service } from './service.ts';
import { listTagsForResource, tagResource, untagResource } from './tags.ts';
import {
  getWorkflowExecution,
  getWorkflowStepExecution,
  listWorkflowExecutions,
  listWorkflowStepExecutions,
} from './workflow-executions.ts';

type Implementation<Name extends OperationName> = (service: Service, input: InputOf<Name>) => Promise<OutputOf<Name>>;

/** What Kiln implements of each operation's meaning: a function of the service and the request. */
const IMPLEMENTED = {
  CancelImageCreation: cancelImageCreation,
  CreateComponent: createComponent,
  CreateDistributionConfiguration: createDistributionConfiguration,
  CreateImage: createImage,
  CreateImagePipeline: createImagePipeline,
  CreateImageRecipe: createImageRecipe,
  CreateInfrastructureConfiguration: createInfrastructureConfiguration,
  DeleteComponent: deleteComponent,
  DeleteDistributionConfiguration: deleteDistributionConfiguration,
  DeleteImage: deleteImage,
  DeleteImagePipeline: deleteImagePipeline,
  DeleteImageRecipe: deleteImageRecipe,
  DeleteInfrastructureConfiguration: deleteInfrastructureConfiguration,
  GetComponent: getComponent,
  GetDistributionConfiguration: getDistributionConfiguration,
  GetImage: getImage,
  GetImagePipeline: getImagePipeline,
  GetImageRecipe: getImageRecipe,
  GetInfrastructureConfiguration: getInfrastructureConfiguration,
  GetWorkflowExecution: getWorkflowExecution,
  GetWorkflowStepExecution: getWorkflowStepExecution,
  ListComponentBuildVersions: listComponentBuildVersions,
  ListComponents: listComponents,
  ListDistributionConfigurations: listDistributionConfigurations,
  ListImageBuildVersions: listImageBuildVersions,
  ListImagePackages: listImagePackages,
  ListImagePipelineImages: listImagePipelineImages,
  ListImagePipelines: listImagePipelines,
  ListImageRecipes: listImageRecipes,
  ListImages: listImages,
  ListInfrastructureConfigurations: listInfrastructureConfigurations,
  ListTagsForResource: listTagsForResource,
  ListWorkflowExecutions: listWorkflowExecutions,
  ListWorkflowStepExecutions: listWorkflowStepExecutions,
  StartImagePipelineExecution: startImagePipelineExecution,
  TagResource: tagResource,
  UntagResource: untagResource,
  UpdateDistributionConfiguration: updateDistributionConfiguration,
  UpdateImagePipeline: updateImagePipeline,
  UpdateInfrastructureConfiguration: updateInfrastructureConfiguration,
} satisfies { readonly [Name in OperationName]?: Implementation<Name> };

export type ImplementedOperations = Pick<Operations, keyof typeof IMPLEMENTED>;

/** The handlers that api/ calls. An operation that is not among them is not there yet. */
export function operationHandlers(service: Service): ImplementedOperations {
  const handlers = Object.entries(IMPLEMENTED).map(([name, implementation]) => [
    name,
    (input: never) => implementation(service, input),
  ]);
  // The table above was checked name by name; binding the service keeps each name with its function.
  return Object.fromEntries(handlers) as ImplementedOperations;
}
