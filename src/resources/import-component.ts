import { stringify } from 'yaml';
import type { InputOf, OutputOf, Partly } from '../contract/operations.ts';
import { insertBuild } from './build-versions.ts';
import { parseComponentText } from './component-text.ts';
import { ownArn } from './definitions.ts';
import { type DocumentText, dataOrUri, parsedDocument, parseInline } from './document-text.ts';
import { changeOnce } from './idempotency.ts';
import { RequestProblems } from './request-problems.ts';
import type { CheckContext, Service } from './service.ts';
import { reportUnsupportedMembers } from './unsupported-members.ts';
import { checkVersionNodes } from './versions.ts';

/** What runs a script of format SHELL, the only format there is. */
const ACTIONS = { Linux: 'ExecuteBash', macOS: 'ExecuteBash', Windows: 'ExecutePowerShell' } as const;

type Script = Partly<InputOf<'ImportComponent'>>;

/** Reports what is wrong with the request. @returns the document that the script in it becomes */
export function checkImportComponent(
  _context: CheckContext,
  input: Script,
  problems: RequestProblems,
): string | undefined {
  reportUnsupportedMembers('ImportComponent', input, problems);
  checkVersionNodes(input, problems);
  return parseInline(dataOrUri(input), (document) => wrapped(document, input), problems);
}

/** Wraps a script into a component document with one step, and stores that as the next build of its version. */
export async function importComponent(
  service: Service,
  input: InputOf<'ImportComponent'>,
): Promise<OutputOf<'ImportComponent'>> {
  const problems = new RequestProblems();
  const inline = checkImportComponent(service, input, problems);
  return changeOnce(service, 'ImportComponent', input, async (trx) => {
    const { name, semanticVersion: version, platform, type } = input;
    const parse = (document: DocumentText) => wrapped(document, input);
    const data = await parsedDocument(service, dataOrUri(input), inline, parse, problems);
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

/** Throws what is wrong with the document that the script becomes. */
function wrapped({ member, text }: DocumentText, input: Script): string {
  const data = wrappedScript(input, text);
  parseComponentText({ member, text: data }, input);
  return data;
}

function wrappedScript({ name, description, platform = 'Linux', type }: Script, script: string): string {
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
