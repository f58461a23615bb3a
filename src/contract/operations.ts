/**
 * What an operation is, as types: its validated input, its output, and the function that gives it its meaning.
 * resources/ implements the handlers, api/ calls them; both know only this file of each other.
 */
import type * as ImageBuilder from '@aws-sdk/client-imagebuilder';
import type { AwsError } from './errors.ts';
import type { NewerInputs, NewerOutputs } from './newer-members.types.ts';

type Sdk = typeof ImageBuilder;

/** The 77 operations, named as in the API: `CreateComponent`, `TagResource` ... */
export type OperationName = {
  [Export in keyof Sdk]: Export extends `${infer Name}Command` ? (Name extends '$' ? never : Name) : never;
}[keyof Sdk];

type Command<Name extends OperationName> = InstanceType<Sdk[`${Name}Command`]>;

type SdkInput<Name extends OperationName> = Command<Name> extends { input: infer Input } ? Input : never;

type SdkOutput<Name extends OperationName> =
  Command<Name> extends {
    resolveMiddleware(...args: never[]): (...args: never[]) => Promise<{ output: infer Output }>;
  }
    ? Output
    : never;

/**
 * The SDK types required members `T | undefined`, because a caller may forget them. After validation they are there,
 * in this structure and in all below it.
 */
export type Validated<T> = T extends Date | string | number | boolean | null | undefined
  ? T
  : T extends readonly (infer Element)[]
    ? Validated<Element>[]
    : { [Key in keyof T]: object extends Pick<T, Key> ? Validated<T[Key]> : Validated<Exclude<T[Key], undefined>> };

/** SDKs fill in an idempotency token when the caller leaves it out; a request without one is refused. */
type WithClientToken<Input> = Input extends { clientToken?: string | undefined }
  ? 'clientToken' extends keyof Input
    ? Omit<Input, 'clientToken'> & { clientToken: string }
    : Input
  : Input;

/**
 * The input of an operation as a handler gets it: decoded (timestamps are `Date`), every constraint of the contract
 * checked, required members and the idempotency token present, unknown members refused.
 */
export type InputOf<Name extends OperationName> = WithClientToken<Validated<SdkInput<Name>>> &
  (Name extends keyof NewerInputs ? NewerInputs[Name] : unknown);

/**
 * What is left of an input in which members are wrong: they are not there, and neither are elements of lists that are
 * wrong. Every input is one, too.
 */
export type Partly<T> = T extends Date | string | number | boolean | null | undefined
  ? T
  : T extends readonly (infer Element)[]
    ? readonly (Partly<Element> | undefined)[]
    : { readonly [Key in keyof T]?: Partly<T[Key]> | undefined };

/**
 * What a request contradicts, as far as it can be told from the request alone: no database, nothing that somebody who may
 * not do it would learn from. Handlers say the same, with what else they find.
 */
export type CheckRequest = (name: OperationName, input: object) => readonly AwsError[];

/** What a handler answers. `requestId` is filled in by api/, and absent members stay absent on the wire. */
export type OutputOf<Name extends OperationName> = Omit<SdkOutput<Name>, '$metadata' | 'requestId'> &
  (Name extends keyof NewerOutputs ? NewerOutputs[Name] : unknown);

/** Who asked, as the signature proved. */
export interface Caller {
  /** 12 digits. */
  readonly accountId: string;
  /** `arn:aws:iam::123456789012:root` or a user's or role's ARN. */
  readonly principalArn: string;
  /** What condition keys of policies may ask about the request; keys in lower case. */
  readonly context: ReadonlyMap<string, readonly string[]>;
  /** The id in the answer's `x-amzn-RequestId`, for the log. */
  readonly requestId: string;
}

/** Gives one operation its meaning. A request that is refused is thrown as an AwsError. */
export type OperationHandler<Name extends OperationName> = (
  input: InputOf<Name>,
  caller: Caller,
) => Promise<OutputOf<Name>>;

/** Every operation with its handler. What is not there yet is left out and refused by name. */
export type Operations = { readonly [Name in OperationName]: OperationHandler<Name> };
