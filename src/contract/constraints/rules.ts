import type * as ImageBuilder from '@aws-sdk/client-imagebuilder';
import type { CollectionName } from './collections.ts';
import type { SimpleTypeName } from './simple-types.ts';

type Sdk = typeof ImageBuilder;

/** The SDK package's enumerations: constant objects whose values are strings. */
export type EnumerationName = {
  [Export in keyof Sdk]: Sdk[Export] extends Readonly<Record<string, string>> ? Export : never;
}[keyof Sdk];

export type RuleName = SimpleTypeName | CollectionName | EnumerationName;

/** Member name to the name of its constraint. */
export type MemberRules = Readonly<Record<string, RuleName>>;
