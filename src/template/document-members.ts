import type { ComponentDocument } from '../documents/component.ts';
import { parseComponent } from '../documents/parse-component.ts';
import { parseWorkflow } from '../documents/parse-workflow.ts';
import type { ResourceTypeName } from './resource-types.ts';

/** What was read from a document, for checks that look at several resources. */
export interface ParsedDocument {
  readonly component?: ComponentDocument;
}

/** Which members of a resource carry its document. */
export interface DocumentMembers {
  readonly data: string;
  readonly uri: string;
  /** @throws InvalidDocumentError with places in the document. */
  readonly parse: (text: string, name: string, input: Readonly<Record<string, unknown>>) => ParsedDocument;
}

export const DOCUMENT_MEMBERS: Partial<Readonly<Record<ResourceTypeName, DocumentMembers>>> = {
  'AWS::ImageBuilder::Component': {
    data: 'data',
    uri: 'uri',
    parse: (text, name, { platform }) => {
      // Which action modules there are is a matter of the platform; a wrong platform is refused by the contract.
      const os = platform === 'Windows' ? 'windows' : platform === 'macOS' ? 'macos' : 'linux';
      return { component: parseComponent(text, name, { os }) };
    },
  },
  'AWS::ImageBuilder::Workflow': {
    data: 'data',
    uri: 'uri',
    parse: (text, file, { type }) => {
      // As with the platform: a wrong type is refused by the contract.
      parseWorkflow({ file, text, type: type === 'TEST' || type === 'DISTRIBUTION' ? type : 'BUILD' });
      return {};
    },
  },
  'AWS::ImageBuilder::ContainerRecipe': {
    data: 'dockerfileTemplateData',
    uri: 'dockerfileTemplateUri',
    parse: () => ({}),
  },
};
