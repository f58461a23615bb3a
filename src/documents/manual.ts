import { ACTION_MODULES } from './action-modules/index.ts';
import type { ActionModule, DocumentOs, ModuleInput } from './action-modules/module.ts';
import { type ActionDefinition, type ActionInput, WORKFLOW_ACTIONS } from './workflow-actions.ts';

/* The manual's pages of action modules and workflow actions, from the tables that validate. `npm run docs` writes them. */

const GENERATED = '<!-- Written by `npm run docs` from the tables in src/documents. Change those. -->';
const SYSTEMS: Readonly<Record<DocumentOs, string>> = { linux: 'Linux', macos: 'macOS', windows: 'Windows' };

/** `docs/action-modules.md` */
export function actionModulesPage(): string {
  const modules = Object.values<ActionModule>(ACTION_MODULES).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return [
    '# Action modules of component documents',
    '',
    GENERATED,
    '',
    'A step of a component document names one of these as its `action`. `kiln schema component` prints the same as a',
    'JSON Schema, for editors.',
    '',
    table(
      ['Module', 'What it does', 'Systems'],
      modules.map((module) => [`[${module.name}](#${module.name.toLowerCase()})`, module.summary, systems(module)]),
    ),
    ...modules.flatMap(modulePart),
    '',
  ].join('\n');
}

function modulePart(module: ActionModule): readonly string[] {
  const inputs = Object.entries(module.inputs);
  const outputs = Object.entries(module.outputs);
  return [
    '',
    `## ${module.name}`,
    '',
    module.summary,
    '',
    `Systems: ${systems(module)}. \`inputs\`: ${SHAPES[module.shape]}${module.inputsOptional ? ', may be left out' : ''}.`,
    ...(module.exactlyOneOf === undefined
      ? []
      : [`Exactly one of ${module.exactlyOneOf.map(code).join(' and ')} is given.`]),
    ...(inputs.length === 0
      ? []
      : [
          '',
          table(
            ['Input', 'Type', 'Default', 'Meaning'],
            inputs.map(([name, input]) => inputRow(name, input)),
          ),
        ]),
    ...(outputs.length === 0
      ? []
      : [
          '',
          table(
            ['Output', 'Meaning'],
            outputs.map(([name, summary]) => [code(name), summary]),
          ),
        ]),
  ];
}

const SHAPES: Readonly<Record<ActionModule['shape'], string>> = {
  map: 'a map',
  list: 'a list of maps',
  condition: 'one condition',
};

function systems({ platforms }: ActionModule): string {
  return platforms.map((platform) => SYSTEMS[platform]).join(', ');
}

function inputRow(name: string, input: ModuleInput): readonly string[] {
  const words = input.words === undefined ? '' : `: ${input.words.map(code).join(' ')}`;
  const minimum = input.minimum === undefined ? '' : `, at least ${input.minimum}`;
  const preset = input.required ? 'required' : input.default === undefined ? '' : code(JSON.stringify(input.default));
  return [code(name), `${input.type}${minimum}${words}`, preset, input.summary];
}

/** `docs/workflow-actions.md` */
export function workflowActionsPage(): string {
  const actions: readonly (readonly [string, ActionDefinition])[] = Object.entries(WORKFLOW_ACTIONS);
  return [
    '# Step actions of workflow documents',
    '',
    GENERATED,
    '',
    'A step of a workflow document names one of these as its `action`. An input `x` may be given as `x.$` with a reference.',
    '`kiln schema workflow` prints the same as a JSON Schema.',
    ...actions.flatMap(([name, definition]) => actionPart(name, definition)),
    '',
  ].join('\n');
}

function actionPart(name: string, definition: ActionDefinition): readonly string[] {
  const inputs = Object.entries(definition.inputs);
  const outputs = Object.entries(definition.outputs);
  return [
    '',
    `## ${name}`,
    '',
    definition.summary,
    '',
    `In workflows of type ${definition.stages.join(', ')}. Time: ${definition.defaultTimeoutSeconds} s, at most ${definition.maxTimeoutSeconds} s.`,
    ...(inputs.length === 0 ? [] : ['', table(['Input', 'Type', 'Meaning'], actionInputRows(definition.inputs))]),
    ...(outputs.length === 0
      ? []
      : [
          '',
          table(
            ['Output', 'Type', 'Meaning'],
            outputs.map(([output, { type, summary }]) => [code(output), type, summary]),
          ),
        ]),
  ];
}

/** Members of maps follow their map, with their path. */
function actionInputRows(inputs: ActionDefinition['inputs'], path = ''): readonly (readonly string[])[] {
  return Object.entries(inputs).flatMap(([name, input]) => {
    const place = `${path}${name}`;
    const inner = input.type === 'mapList' ? `${place}[].` : `${place}.`;
    return [actionInputRow(place, input), ...actionInputRows(input.members ?? {}, inner)];
  });
}

function actionInputRow(name: string, input: ActionInput): readonly string[] {
  const allowed = input.allowed === undefined ? '' : `: ${input.allowed.map(code).join(' ')}`;
  const refused = Object.entries(input.refused ?? {}).map(([value, why]) => ` ${code(value)} is refused: ${why}.`);
  const meaning = input.notYet === undefined ? `${input.summary}${refused.join('')}` : `Refused: ${input.notYet}.`;
  return [code(name), `${input.type}${allowed}${input.required ? ', required' : ''}`, meaning];
}

function code(text: string): string {
  return `\`${text}\``;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
