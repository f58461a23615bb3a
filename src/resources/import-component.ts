import { stringify } from 'yaml';
import type { InputOf, OutputOf } from '../contract/operations.ts';
import { insertBuild } from './build-versions.ts';
import { checkComponent, parseComponentText } from './component-text.ts';
import { ownArn } from './definitions.ts';
import { dataOrUri, readDocument } from './document-text.ts';
import { changeOnce } from './idempotency.ts';
import type { Service } from './service.ts';

/** What runs a script of format SHELL, the only format there is. */
const ACTIONS = { Linux: 'ExecuteBash', macOS: 'ExecuteBash', Windows: 'ExecutePowerShell' } as const;

/** Wraps a script into a component document with one step, and stores that as the next build of its version. */
export async function importComponent(
  service: Service,
  input: InputOf<'ImportComponent'>,
): Promise<OutputOf<'ImportComponent'>> {
  return changeOnce(service, 'ImportComponent', input, async (trx) => {
    const { name, semanticVersion: version, platform, type } = input;
    const data = await checkComponent('ImportComponent', input, async () => {
      const { member, text } = await readDocument(service, dataOrUri(input));
      const wrapped = wrappedScript(input, text);
      parseComponentText(member, wrapped, input);
      return wrapped;
    });
    const content = {
      name,
      version,
      description: input.description,
      changeDescription: input.changeDescription,
      type,
      platform,
      owner: service.accountId,
      data,
      encrypted: false,
    };
    const of = ownArn(service, 'component', name, version);
    const arn = await insertBuild(service, trx, { kind: 'component', of, content, tags: input.tags });
    return { componentBuildVersionArn: arn };
  });
}

function wrappedScript({ name, description, platform, type }: InputOf<'ImportComponent'>, script: string): string {
  const step = { name: 'RunScript', action: ACTIONS[platform], inputs: { commands: [script] } };
  const document = {
    schemaVersion: '1.0',
    name,
    ...(description === undefined ? {} : { description }),
    phases: [{ name: type === 'TEST' ? 'test' : 'build', steps: [step] }],
  };
  // Folded lines would be hard to read, and a script is written line by line.
  return stringify(document, { lineWidth: 0 });
}
