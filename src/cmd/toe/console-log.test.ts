import assert from 'node:assert/strict';
import { test } from 'node:test';
import { consoleLog } from './console-log.ts';

const PLACE = { documentId: 'd.yaml', phase: 'build', step: 'S', action: 'ExecuteBash' };

test('of a step that floods the log the beginning and the last lines are kept, and the next step has all of its own', () => {
  const lines: string[] = [];
  const { monitor } = consoleLog([], [(line) => lines.push(line)]);
  monitor.stepStarted(PLACE);
  const long = 'x'.repeat(8_000);
  for (let count = 0; count < 10_000; count++) monitor.line('stdout', `${count} ${long}`);
  monitor.stepEnded(PLACE, 'success', 1, '');
  const note = lines.findIndex((line) => line.includes('lines left out'));
  const kept = note - 4;
  assert.ok(kept * 8_000 > 31 * 1024 * 1024 && kept * 8_000 < 33 * 1024 * 1024);
  assert.equal(lines[note], `[… ${10_000 - kept - 1_000} lines left out …]`);
  assert.match(lines[note + 1] ?? '', /^CmdExecution: Stdout: 9000 x/);
  assert.match(lines[note + 1_000] ?? '', /^CmdExecution: Stdout: 9999 x/);
  assert.deepEqual(lines.slice(note + 1_001), ['CmdExecution: ExitCode 0', 'ExecuteBash: FINISHED EXECUTION']);
  lines.length = 0;
  monitor.stepStarted(PLACE);
  monitor.line('stderr', 'again');
  monitor.stepEnded(PLACE, 'failed', 1, 'exit status 4');
  assert.deepEqual(lines.slice(4), [
    'CmdExecution: Stderr: again',
    'CmdExecution: ExitCode 4',
    'ExecuteBash: FINISHED EXECUTION',
  ]);
});
