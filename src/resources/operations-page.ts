/** `docs/operations.md`, written from the tables that the service works by. */
import type { OperationModel } from '../contract/model.types.ts';
import type { OperationName } from '../contract/operations.ts';
import { EFFECTIVE_MEMBERS } from './effective-members.ts';
import { REFUSED_OPERATIONS } from './refused-operations.ts';
import { RECORDED_MEMBERS, UNSUPPORTED_MEMBERS } from './unsupported-members.ts';

/** What else there is to say; of operations that are honestly empty, all there is. */
const NOTES: { readonly [Name in OperationName]?: string } = {
  ListImageScanFindings: 'Images are not scanned, so the list is empty.',
  ListImageScanFindingAggregations: 'Images are not scanned, so the list is empty.',
  CreateLifecyclePolicy: 'Only with `status` DISABLED: ENABLED, which is also the default, is refused.',
  UpdateLifecyclePolicy: 'Only with `status` DISABLED: ENABLED, which is also the default, is refused.',
  CancelLifecycleExecution: 'Executions end with the request that began them, so every one is refused with the reason.',
};

export function operationsPage(model: readonly OperationModel[]): string {
  const names = model.map(({ name }) => name).sort();
  const refused: Readonly<Record<string, string>> = REFUSED_OPERATIONS;
  return [
    '# Operations',
    '',
    'Every member of a request has its effect, or is a record that needs none, or is refused by name. This page is',
    'written from the tables in `src/resources/` by `npm run docs`; a test compares them.',
    '',
    `Of ${names.length} operations, ${Object.keys(refused).length} are refused as a whole. Values that ask for nothing`,
    '(empty lists, `false`, `default`) are accepted also where a member is refused.',
    '',
    ...names.flatMap((name) => section(name, refused[name])),
  ].join('\n');
}

function section(name: OperationName, refused: string | undefined): string[] {
  const lines = [`## ${name}`, ''];
  if (refused !== undefined) return [...lines, `Refused: ${refused}.`, ''];
  const note = NOTES[name];
  if (note !== undefined) lines.push(note, '');
  const effective = EFFECTIVE_MEMBERS[name];
  if (effective === undefined) return note === undefined ? [...lines, 'Every member has its effect.', ''] : lines;
  lines.push(`Effective: ${effective.map(code).join(', ')}.`, '');
  const records = RECORDED_MEMBERS[name] ?? [];
  if (records.length > 0)
    lines.push('Recorded:', '', ...records.map((one) => `- ${code(one.path)}: ${one.because}`), '');
  const unsupported = UNSUPPORTED_MEMBERS[name] ?? [];
  if (unsupported.length > 0) {
    lines.push('Refused:', '', ...unsupported.map((one) => `- ${code(one.path)}: ${one.what}`), '');
  }
  return lines;
}

function code(text: string): string {
  return `\`${text}\``;
}
