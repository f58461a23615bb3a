import { componentSchema, type JsonSchema } from '../documents/component-schema.ts';
import { workflowSchema } from '../documents/workflow-schema.ts';
import { type Command, UsageError } from './command.ts';
import { EXIT } from './exit-codes.ts';

const SCHEMAS: Readonly<Record<string, () => JsonSchema>> = { component: componentSchema, workflow: workflowSchema };

export const schema: Command = {
  usage: 'component|workflow',
  summary: 'Prints the JSON Schema of component or workflow documents, for editors.',
  positionals: { min: 1, max: 1 },
  options: {},

  async run(args, { io }) {
    const [kind = ''] = args.positionals;
    const make = Object.hasOwn(SCHEMAS, kind) ? SCHEMAS[kind] : undefined;
    if (make === undefined) throw new UsageError(`there is no schema of '${kind}'; there are component and workflow`);
    io.stdout.write(`${JSON.stringify(make(), undefined, 2)}\n`);
    return EXIT.done;
  },
};
