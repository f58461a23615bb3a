import { createRequire } from 'node:module';

const load: (file: string) => Readonly<Record<string, unknown>> = createRequire(import.meta.url);

/**
 * The schemas of operations and structures, and the constants of enumerations, that `@aws-sdk/client-imagebuilder` exports,
 * by their names. They are read from the files that hold them: the package's own entry loads the whole client, which takes
 * half of the start of a command that sends nothing. The package is pinned to one version; model.test.ts counts what is there.
 */
export const SDK_SCHEMAS = load('@aws-sdk/client-imagebuilder/dist-cjs/schemas/schemas_0.js');
export const SDK_ENUMERATIONS = load('@aws-sdk/client-imagebuilder/dist-es/models/enums.js');
