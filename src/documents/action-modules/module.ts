/** Operating systems as component documents have them. */
export type DocumentOs = 'linux' | 'macos' | 'windows';

/**
 * What an action module takes and gives: one table for the validator, the interpreter and the manual. Source: EC2 Image
 * Builder User Guide, "Action modules supported by AWSTOE component manager".
 */
export interface ActionModule {
  readonly name: string;
  /** What it does, one sentence. */
  readonly summary: string;
  readonly platforms: readonly DocumentOs[];
  /** `condition`: the whole of `inputs` is one condition, as below `if`. */
  readonly shape: 'map' | 'list' | 'condition';
  /** Has no time limit and one attempt, whatever a step says: `timeoutSeconds` is -1, `maxAttempts` 1. */
  readonly ownTime?: true;
  /** Its steps have no time limit, whatever they say. */
  readonly untimed?: true;
  /** Whether `inputs` may be left out. */
  readonly inputsOptional?: true;
  readonly inputs: Readonly<Record<string, ModuleInput>>;
  /** Inputs of which exactly one must be given. */
  readonly exactlyOneOf?: readonly string[];
  /** Names that `{{ phase.step.outputs.NAME }}` can use. */
  readonly outputs: Readonly<Record<string, string>>;
}

export interface ModuleInput {
  /**
   * - `text`: a string, which keeps its source text; `path` the same, naming a file or folder, never empty
   * - `texts`: a list of strings
   * - `permissions`: an octal file mode such as `0755`
   * - `url`: http or https
   * - `properties`: a map of names to texts
   * - `parameters`: a list of maps with `name` and `value`
   * - `registry`: a text or a list of texts
   */
  readonly type:
    | 'text'
    | 'path'
    | 'texts'
    | 'boolean'
    | 'integer'
    | 'permissions'
    | 'url'
    | 'properties'
    | 'registry'
    | 'parameters';
  readonly required?: true;
  readonly default?: string | boolean | number;
  /** The only values allowed; compared without regard to case where {@link anyCase} says so. */
  readonly words?: readonly string[];
  readonly anyCase?: true;
  /** What the text must match. */
  readonly pattern?: RegExp;
  /** The pattern in words, for messages. */
  readonly expected?: string;
  readonly minimum?: number;
  readonly summary: string;
}

/** The inputs of one entry as its action gets them: resolved, converted, defaults filled in. */
export type InputsOf<M extends ActionModule> = {
  readonly [K in keyof M['inputs']]: ValueOf<M['inputs'][K]>;
};

type ValueOf<I extends ModuleInput> =
  | TypeOf<I['type']>
  | (I extends { readonly required: true } ? never : I extends { readonly default: unknown } ? never : undefined);

type TypeOf<T extends ModuleInput['type']> = T extends 'boolean'
  ? boolean
  : T extends 'integer'
    ? number
    : T extends 'texts'
      ? readonly string[]
      : T extends 'parameters'
        ? readonly { readonly name: string; readonly value: string }[]
        : T extends 'properties'
          ? Readonly<Record<string, string>>
          : T extends 'registry'
            ? string | readonly string[]
            : string;

export const EVERYWHERE = ['linux', 'macos', 'windows'] as const;
export const UNIX = ['linux', 'macos'] as const;
export const WINDOWS = ['windows'] as const;
