import assert from 'node:assert/strict';
import { test } from 'node:test';
import pc from 'picocolors';
import type { BuildOutcome } from './build-outcome.ts';
import type { BuildReport } from './build-report.ts';
import { createJsonReport } from './json-report.ts';
import { createPlainReport } from './plain-report.ts';
import { renderSummary } from './summary.ts';

const ARN = 'arn:aws:imagebuilder:us-east-1:123456789012:image/web/1.0.0/1';
const STEP = {
  stepExecutionId: 'step-1',
  workflow: 'build-image',
  name: 'Launch',
  action: 'LaunchInstance',
  status: 'COMPLETED',
  message: undefined,
  startedAt: 0,
  seconds: 12.3,
};
const BUILT: BuildOutcome = {
  imageBuildVersionArn: ARN,
  status: 'AVAILABLE',
  reason: undefined,
  amiId: 'ami-0123456789abcdef0',
  file: '/tmp/web.qcow2',
  fileBytes: 181_000_000,
  seconds: 83.4567,
  steps: [STEP],
  failure: undefined,
  ranOn: { executors: 'direct, vm', because: 'step Start of phase build asks the service manager' },
  tail: ['noise'],
  keptInstances: [],
  outputs: [{ name: 'ImageArn', value: ARN }],
};
const FAILED: BuildOutcome = {
  ...BUILT,
  status: 'FAILED',
  reason: 'it did not work',
  amiId: undefined,
  file: undefined,
  fileBytes: undefined,
  steps: [{ ...STEP, status: 'FAILED' }],
  failure: {
    componentArn: 'arn:aws:imagebuilder:us-east-1:123456789012:component/tool/1.0.0/1',
    phaseName: 'build',
    stepName: 'Explode',
    action: 'ExecuteBash',
    errorMessage: 'exit status 3',
  },
  tail: ['the fuse is lit', 'no such fuel'],
  keptInstances: [{ instanceId: 'i-0123456789abcdef0', enterCommand: 'ssh -p 2222 root@127.0.0.1' }],
  outputs: [],
};

function written(tell: (report: BuildReport) => void, make: (write: (text: string) => void) => BuildReport): string {
  let text = '';
  const report = make((part) => {
    text += part;
  });
  tell(report);
  report.close();
  return text;
}

test('the last JSON event is done, with the members that the README promises', () => {
  const text = written((report) => report.done(BUILT), createJsonReport);
  assert.deepEqual(JSON.parse(text), {
    event: 'done',
    imageBuildVersionArn: ARN,
    status: 'AVAILABLE',
    amiId: 'ami-0123456789abcdef0',
    file: '/tmp/web.qcow2',
    ranOn: { executors: ['direct', 'vm'], because: 'step Start of phase build asks the service manager' },
    seconds: 83.457,
    steps: [{ workflow: 'build-image', name: 'Launch', action: 'LaunchInstance', status: 'COMPLETED', seconds: 12.3 }],
  });
});

test('every JSON event is one line', () => {
  const text = written((report) => {
    report.started(ARN);
    report.line({ kind: 'log', at: '2026-11-23T03:00:00.000Z', source: 'stdout', message: 'two\nlines' });
    report.done(FAILED);
  }, createJsonReport);
  const events = text.trimEnd().split('\n');
  assert.deepEqual(
    events.map((line) => JSON.parse(line).event),
    ['started', 'log', 'done'],
  );
});

test('a success ends with ARN, AMI, what it ran on, file, size and the time of each step', () => {
  const text = renderSummary(BUILT, pc.createColors(false)).join('\n');
  const ran = 'on the mounted disk, then on a machine: step Start of phase build asks the service manager';
  for (const part of [
    ARN,
    'ami-0123456789abcdef0',
    ran,
    '/tmp/web.qcow2',
    '181 MB',
    /Launch +12 s/,
    /Total +1 min 23 s/,
  ]) {
    assert.match(text, part instanceof RegExp ? part : new RegExp(part));
  }
});

test('a file that was not written is told with the command that writes it, and with what was wrong', () => {
  const outcome = { ...BUILT, file: undefined, fileBytes: undefined, fault: new Error('the disk is full') };
  const text = renderSummary(outcome, pc.createColors(false)).join('\n');
  assert.match(text, /kiln export ami-0123456789abcdef0 FILE/);
  const done = JSON.parse(written((report) => report.done(outcome), createJsonReport));
  assert.equal(done.file, null);
  assert.equal(done.fault, 'the disk is full');
});

test('a failure names component, phase, step, error and last lines, and how to enter and end what was kept', () => {
  const text = renderSummary(FAILED, pc.createColors(false)).join('\n');
  for (const part of [
    'component/tool/1.0.0/1',
    'build',
    'Explode',
    'exit status 3',
    'no such fuel',
    'ssh -p 2222 root@127.0.0.1',
    `kiln rm ${ARN}`,
    `kiln logs ${ARN}`,
  ]) {
    assert.ok(text.includes(part), part);
  }
});

test('without a terminal there are plain lines, and none of the console', () => {
  const at = '2026-11-23T03:04:05.000Z';
  const text = written((report) => {
    report.line({ kind: 'image', at, status: 'BUILDING' });
    report.line({ kind: 'log', at, source: 'console', message: 'kernel' });
    report.line({ kind: 'log', at, source: 'stderr', message: 'oops\u001b[2J' });
    report.line({ kind: 'step', at, ...STEP, message: 'unused' });
  }, createPlainReport);
  assert.equal(text, '03:04:05  BUILDING\n03:04:05    | oops\n03:04:05  build-image Launch COMPLETED in 12 s\n');
});
