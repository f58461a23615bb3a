import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { AwsError } from '../contract/errors.ts';
import { BuilderFault, BuildFailure } from '../util/faults.ts';
import { InvalidDocumentError } from '../util/problem.ts';
import { UsageError } from './command.ts';
import { reportError } from './report-error.ts';

const say = (error: unknown, debug = false) => reportError(error, { colour: false, debug });

test('a mistake in a document is shown with its line and a caret under the place', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-report-'));
  try {
    const file = join(folder, 'template.yaml');
    writeFileSync(file, 'Resources:\n\tI: { Typ: x }\n');
    const error = new InvalidDocumentError([
      { file, position: { line: 2, column: 7 }, message: 'wrong', hint: 'right' },
    ]);
    assert.deepEqual(say(error), {
      exitCode: 2,
      text: `${file}:2:7: wrong (right)\n  2 | \tI: { Typ: x }\n    | \t     ^`,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a mistake in a document from elsewhere is shown without its line', () => {
  const error = new InvalidDocumentError([
    { file: 'no/such/file', position: { line: 2, column: 7 }, message: 'wrong' },
  ]);
  assert.deepEqual(say(error), { exitCode: 2, text: 'no/such/file:2:7: wrong' });
});

const CASES: readonly (readonly [error: Error, exitCode: number, text: string])[] = [
  [new UsageError('no'), 2, 'kiln: no'],
  [new BuildFailure('it failed', { where: 'step X' }), 1, 'kiln: it failed (step X)'],
  [new BuilderFault('disk full', { hint: 'free some' }), 1, 'kiln: disk full\n      free some'],
  [new BuilderFault('no QEMU', { missingPrerequisite: true }), 3, 'kiln: no QEMU'],
  [new AwsError('ResourceNotFoundException', 'gone'), 2, 'kiln: ResourceNotFoundException: gone'],
  [new AwsError('ServiceException', 'broken'), 1, 'kiln: ServiceException: broken'],
  [Object.assign(new Error('x'), { code: 'ENOSPC', path: '/d' }), 1, 'kiln: /d: no space left on the device'],
  [new Error('anything'), 1, 'kiln: anything'],
];
for (const [error, exitCode, text] of CASES) {
  test(`'${text.split('\n')[0]}' ends with ${exitCode} and without a stack trace`, () => {
    assert.deepEqual(say(error), { exitCode, text });
  });
}

test('with KILN_DEBUG there is a stack trace, causes included', () => {
  const { text } = say(new BuilderFault('outer', { cause: new Error('inner') }), true);
  assert.match(text, /outer[\s\S]*report-error\.test[\s\S]*Caused by: Error: inner/);
});
