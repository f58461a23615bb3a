import type { Step } from '../../documents/component.ts';
import { type Expression, expressionsOf, resolveText, textsOf } from '../../documents/component-expressions.ts';
import { namesOf } from '../../documents/component-names.ts';
import type { RunnableDocument } from '../../toe/run-documents.types.ts';
import type { RunServices } from '../../toe/run-services.ts';
import { objectPlace } from './object-place.ts';
import type { ResourceStates } from './resource-states.ts';

/** What decides what a component does, beside its document and its parameters. */
export interface ComponentInputs {
  /** Values of Parameter Store, states of downloads. */
  readonly values: Readonly<Record<string, string>>;
  /** Why it makes something else each time; undefined when it does not. */
  readonly varying: string | undefined;
  /** Why it may take in what no value stands for; undefined when it cannot. */
  readonly fetches: string | undefined;
  /** Whether it uses Debian's package repositories. */
  readonly usesApt: boolean;
  /** Places that its document says it downloads from, and `packages` where it runs a package manager. */
  readonly downloads: readonly string[];
}

export interface InputSources {
  /** Variables that Kiln gives to components. */
  readonly environment: Readonly<Record<string, string>>;
  readonly services: Pick<RunServices, 'parameters' | 'components'>;
  readonly states: ResourceStates;
  /** `YYYY-MM-DD` */
  readonly today: string;
  readonly signal: AbortSignal;
}

/** Variables that are others in each build. */
const OWN_VARIABLES = [
  'IMAGE_WORKFLOW_EXECUTION_ID',
  'IMAGE_STEP_EXECUTION_ID',
  'IMAGE_BUILD_VERSION_ARN',
  'IMAGE_BUILD_VERSION',
];
const OWN_CONTEXT = ['executionId', 'dateTime', 'uuid', 'hostname'];

/** Action modules whose effect is in the document. */
const PURE = [
  ...['Assert', 'AppendFile', 'CopyFile', 'CopyFolder', 'CreateFile', 'CreateFolder', 'CreateSymlink', 'DeleteFile'],
  ...['DeleteFolder', 'ListFiles', 'MoveFile', 'MoveFolder', 'ReadFile', 'SetFileEncoding', 'SetFileOwner'],
  ...['SetFolderOwner', 'SetFilePermissions', 'SetFolderPermissions', 'Reboot'],
];

const APT = /\b(?:apt|apt-get|aptitude|unattended-upgrades?|tasksel|debootstrap)\b/;

/** Other programs that fetch packages. */
const PACKAGE_MANAGERS =
  /\b(?:yum|dnf|microdnf|zypper|apk|pacman|snap|flatpak|pip3?|pipx|npm|yarn|pnpm|gem|cargo|composer|conda)\b/;

/** Prints all variables, or reads them in one piece; `env NAME=value program` and `printenv NAME` do not. */
const ALL_VARIABLES = new RegExp(
  [
    '(?:^|[;&|(`{"\'[]|\\b(?:sudo|then|do|else|exec)\\s)\\s*',
    '(?:(?:env|printenv)(?:\\s+(?:-0|--null))?|export\\s+-p|declare\\s+-[px]+|compgen\\s+-e)\\s*(?:$|[|>;&)`"\'}\\]])',
    '|/proc/[^\\s/]+/environ\\b',
  ].join(''),
  'm',
);

/** Actions whose files may be programs, which read variables that no text of the component names. */
const DOWNLOADS = ['WebDownload', 'S3Download', 'ExecuteDocument'];

/** Reads a component for what it depends on and asks for the states of what it downloads. */
export async function componentInputs(
  { document, parameters }: RunnableDocument,
  phases: readonly string[],
  sources: InputSources,
): Promise<ComponentInputs> {
  const values: Record<string, string> = {};
  const varying: string[] = [];
  const fetches: string[] = [];
  const downloads = new Set<string>();
  let usesApt = false;
  const names = namesOf(document, parameters);
  const steps = document.phases.filter(({ name }) => phases.includes(name)).flatMap((phase) => phase.steps);
  if (steps.some(({ action }) => DOWNLOADS.includes(action)) && steps.some(({ action }) => !isPure(action)))
    Object.assign(values, sources.environment);

  for (const step of steps) {
    const texts = textsOfStep(step);
    const all = [...texts, ...names.values()].join('\n');
    if (!isPure(step.action) && ALL_VARIABLES.test(all)) varying.push('it reads all variables');
    for (const variable of all.match(/\bIMAGE_[A-Z_]+\b/g) ?? []) {
      if (OWN_VARIABLES.includes(variable)) varying.push(`it uses ${variable}`);
      else values[variable] = sources.environment[variable] ?? '';
    }
    for (const expression of texts.flatMap(expressionsOf)) await takeExpression(expression);
    if (step.action === 'S3Upload') varying.push('it uploads files');
    else if (step.action === 'WebDownload') await takeDownloads(step);
    else if (step.action === 'S3Download') await takeObjects(step);
    else if (step.action === 'ExecuteDocument') await takeDocument(step);
    else if (!isPure(step.action)) fetches.push(`step ${step.name} runs programs`);
    usesApt ||= step.action === 'UpdateOS' || APT.test(all);
    if (usesApt || (!isPure(step.action) && PACKAGE_MANAGERS.test(texts.join('\n')))) downloads.add('packages');
  }
  return { values, varying: varying[0], fetches: fetches[0], usesApt, downloads: [...downloads] };

  async function takeExpression({ reference, source }: Expression): Promise<void> {
    if (reference.kind === 'context' && OWN_CONTEXT.includes(reference.key)) varying.push(`it uses ${source}`);
    if (reference.kind === 'context' && reference.key === 'date') values['date'] = sources.today;
    if (reference.kind === 'imds' && /instance-id|hostname/.test(reference.path)) varying.push(`it uses ${source}`);
    if (reference.kind !== 'ssm') return;
    if (reference.through !== undefined) {
      varying.push(`it uses ${source}, whose name is known only when it runs`);
      return;
    }
    const found = await sources.services.parameters?.(reference.name, sources.signal);
    values[`ssm:${reference.name}`] = found?.value ?? '';
  }

  async function takeDownloads(step: Step): Promise<void> {
    for (const input of step.inputs) {
      const url = resolved(input['source'], names);
      downloads.add(url ?? String(input['source']));
      if (typeof input['checksum'] === 'string') continue;
      const state = url === undefined ? undefined : await sources.states.web(url, sources.signal);
      if (state === undefined) fetches.push(`step ${step.name} downloads what has no state that Kiln can ask for`);
      else values[`web:${url}`] = state;
    }
  }

  async function takeObjects(step: Step): Promise<void> {
    for (const input of step.inputs) {
      downloads.add(resolved(input['source'], names) ?? String(input['source']));
      const place = objectPlace(resolved(input['source'], names), resolved(input['expectedBucketOwner'], names));
      const state = place === undefined ? undefined : await sources.states.objects(place, sources.signal);
      if (state === undefined) fetches.push(`step ${step.name} downloads what has no state that Kiln can ask for`);
      else values[`s3:${place?.bucket}/${place?.key}`] = state;
    }
  }

  async function takeDocument(step: Step): Promise<void> {
    for (const input of step.inputs) {
      const which = resolved(input['document'], names);
      if (which?.startsWith('arn:') !== true || sources.services.components === undefined) {
        fetches.push(`step ${step.name} runs a document that is known only when it runs`);
        continue;
      }
      const nested = await sources.services.components(which, sources.signal).catch(() => undefined);
      values[`document:${which}`] = nested?.text ?? '';
      fetches.push(`step ${step.name} runs another document`);
      usesApt ||= APT.test(nested?.text ?? '') || /\bUpdateOS\b/.test(nested?.text ?? '');
      const text = nested?.text ?? '';
      for (const expression of expressionsOf(text)) await takeExpression(expression);
      for (const variable of OWN_VARIABLES) if (text.includes(variable)) varying.push(`${which} uses ${variable}`);
      if (ALL_VARIABLES.test(text)) varying.push(`${which} reads all variables`);
      // What it fetches itself is only known to be fresh for as long as programs are.
      const [action] = /\b(?:S3Upload|ExecuteDocument)\b/.exec(text) ?? [];
      if (action !== undefined) varying.push(`${which} uses ${action}`);
    }
  }
}

function isPure(action: string): boolean {
  return PURE.includes(action) || action === 'WebDownload' || action === 'S3Download';
}

/** The text with parameters and constants in place; undefined when more than these is needed. */
function resolved(value: unknown, names: ReadonlyMap<string, string>): string | undefined {
  if (typeof value !== 'string') return undefined;
  const known = expressionsOf(value).every(({ reference }) => reference.kind === 'name' && names.has(reference.name));
  if (!known) return undefined;
  return resolveText(value, ({ reference }) => (reference.kind === 'name' ? names.get(reference.name) : undefined));
}

function textsOfStep({ inputs, condition, loop }: Step): readonly string[] {
  const values = [...inputs, ...(condition === undefined ? [] : [condition.condition])].flatMap(Object.values);
  const looped = loop === undefined ? [] : loop.kind === 'items' ? loop.items : loop.kind === 'list' ? [loop.list] : [];
  return [...values.flatMap((value) => [...textsOf(value)]), ...looped];
}
