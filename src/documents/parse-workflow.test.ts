import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatProblem, InvalidDocumentError } from '../util/problem.ts';
import { parseWorkflow } from './parse-workflow.ts';
import type { WorkflowType } from './workflow-actions.ts';
import { WORKFLOW_ACTIONS } from './workflow-actions.ts';

const launch = '  - name: Launch\n    action: LaunchInstance\n    inputs: { waitFor: ssmAgent }\n';

function problemsOf(text: string, type: WorkflowType = 'BUILD'): readonly string[] {
  try {
    parseWorkflow({ file: 'wf.yaml', text, type });
    return [];
  } catch (error) {
    if (error instanceof InvalidDocumentError) return error.problems.map(formatProblem);
    throw error;
  }
}

function steps(body: string): string {
  return `schemaVersion: 1.0\nsteps:\n${launch}${body}`;
}

test('the documents that come with Kiln are right', async () => {
  for (const [name, type] of [
    ['build-image', 'BUILD'],
    ['test-image', 'TEST'],
  ] as const) {
    const text = await readFile(new URL(`../engine/workflows/${name}.yaml`, import.meta.url), 'utf8');
    assert.equal(parseWorkflow({ file: `${name}.yaml`, text, type }).name, name);
  }
});

test('a step has the defaults of its action', () => {
  const text = steps('');
  const document = parseWorkflow({ file: 'wf.yaml', text, type: 'BUILD' });
  assert.deepEqual(document.steps[0], {
    name: 'Launch',
    action: 'LaunchInstance',
    description: undefined,
    condition: undefined,
    inputs: { waitFor: 'ssmAgent' },
    onFailure: 'Abort',
    rollbackEnabled: true,
    timeoutSeconds: 75 * 60,
    waitSeconds: 0,
    maxAttempts: 1,
    backoffSeconds: 30,
    position: { line: 3, column: 5 },
  });
});

test('a parsed document is frozen at every depth', () => {
  const document = parseWorkflow({ file: 'wf.yaml', text: steps(''), type: 'BUILD' });
  assert.ok(Object.isFrozen(document) && Object.isFrozen(document.steps[0]?.inputs));
});

test('all problems of a document are told at once, each with its place', () => {
  const text = `schemaVersion: 2.0
parameters:
  - name: flag
    type: bool
  - name: flag
    type: boolean
    default: maybe
steps:
  - name: L
    action: LaunchInstance
    onFailure: Ignore
    timeoutSeconds: 50000
    inputs: { waitFor: sshd, colour: red }
  - name: Run
    action: ExecuteComponent
  - name: Scan
    action: CollectImageScanFindings
outputs:
  - name: Image
    value: $.stepOutputs.Run2.imageId
`;
  assert.deepEqual(problemsOf(text), [
    "wf.yaml:1:16: 'schemaVersion' cannot be '2.0'. (did you mean '1.0'?)",
    "wf.yaml:2:1: There are two parameters with the name 'flag'.",
    "wf.yaml:4:11: 'type' of parameter 'flag' cannot be 'bool'. (allowed: string, integer, boolean, stringList)",
    "wf.yaml:7:14: 'default' of parameter 'flag' must be true or false, not 'maybe'.",
    "wf.yaml:9:11: 'L' cannot be the name of a step. (a letter, then letters, digits, - and _, 2 to 100 characters)",
    "wf.yaml:11:16: 'onFailure' of step 'L' cannot be 'Ignore'. (allowed: Abort, Continue)",
    "wf.yaml:12:21: 'timeoutSeconds' of step 'L' must be from 1 to 43200, not 50000.",
    "wf.yaml:13:24: Input 'waitFor' cannot be 'sshd'. (allowed: ssmAgent)",
    "wf.yaml:13:30: LaunchInstance has no input 'colour'. (allowed: waitFor, healthCheck, imageIdOverride, instanceTypesOverride)",
    "wf.yaml:15:13: There is no action 'ExecuteComponent'. (did you mean 'ExecuteComponents'?)",
    `wf.yaml:17:13: Kiln does not have the action CollectImageScanFindings yet. (allowed: ${Object.keys(WORKFLOW_ACTIONS).join(', ')})`,
    "wf.yaml:20:12: There is no step 'Run2'. (did you mean 'Run'?)",
  ]);
});

test('references are checked: unknown steps, later steps, unknown outputs, wrong types, forgotten suffix', () => {
  const end = (input: string): string => `  - name: End\n    action: TerminateInstance\n    inputs: { ${input} }\n`;
  const cases: readonly [string, RegExp | undefined][] = [
    ['instanceId.$: $.stepOutputs.Launch.instanceId', undefined],
    ['instanceId.$: "$.workflowOutputs.InstanceId"', undefined],
    ['instanceId.$: $.imagebuilder.imageID', undefined],
    ['instanceId: "{{ $.stepOutputs.Launch.instanceId }}"', undefined],
    ['instanceId.$: $.stepOutputs.Lunch.instanceId', /no step 'Lunch'.*did you mean 'Launch'/],
    ['instanceId.$: $.stepOutputs.End.instanceId', /has no outputs yet here/],
    ['instanceId.$: $.stepOutputs.Launch.imageId', /no output of LaunchInstance 'imageId'/],
    ['instanceId.$: $.parameters.id', /no parameter 'id'.*there is none/],
    ['instanceId.$: $.imagebuilder.colour', /no system variable 'colour'/],
    ['instanceId.$: i-123', /'i-123' is not a reference/],
    ['instanceId: $.stepOutputs.Launch.instanceId', /write 'instanceId\.\$: /],
    ['instanceId: "{{ $.stepOutputs.Nope.x }}"', /no step 'Nope'/],
    ['instanceId: a, instanceId.$: $.stepOutputs.Launch.instanceId', /given twice/],
    ['instanceId: a, waitForTermination.$: $.stepOutputs.Launch.instanceId', /needs a boolean/],
    ['', /needs the input 'instanceId'/],
  ];
  for (const [input, expected] of cases) {
    const found = problemsOf(steps(end(input)));
    if (expected === undefined) assert.deepEqual(found, [], input);
    else assert.match(found.join('\n'), expected, input);
  }
});

test('an action is refused in a workflow type that does not have it', () => {
  const text = steps('  - name: Run\n    action: ExecuteComponents\n    inputs: { instanceId: i-1 }\n');
  assert.match(problemsOf(text, 'DISTRIBUTION').join('\n'), /ExecuteComponents is not allowed in DISTRIBUTION/);
});

test('a workflow has at most 15 steps and no two of one name', () => {
  const many = Array.from({ length: 16 }, () => launch).join('');
  const found = problemsOf(`schemaVersion: 1.0\nsteps:\n${many}`).join('\n');
  assert.match(found, /16 steps; at most 15/);
  assert.match(found, /two steps with the name 'Launch'/);
});

test('parameters and outputs are at most 25 each; names and values have their lengths', () => {
  const list = (count: number, item: (index: number) => string): string =>
    Array.from({ length: count }, (_, index) => `  - ${item(index)}\n`).join('');
  const document = (count: number, length: number): string =>
    `schemaVersion: 1.0
parameters:
${list(count, (index) => `{ name: ${`p${index}`.padEnd(length, 'x')}, type: string, default: a }`)}steps:
${launch}outputs:
${list(count, (index) => `{ name: o${index}, value: $.stepOutputs.Launch.instanceId }`)}`;
  assert.deepEqual(problemsOf(document(25, 128)), []);
  const found = problemsOf(document(26, 3)).join('\n');
  assert.match(found, /There are 26 parameters; at most 25 are allowed/);
  assert.match(found, /There are 26 outputs; at most 25 are allowed/);
  assert.match(problemsOf(document(1, 129)).join('\n'), /cannot be the name of a parameter.*at most 128/);
  const value = (length: number): string =>
    `schemaVersion: 1.0\nparameters:\n  - { name: p, default: ${'v'.repeat(length)} }\nsteps:\n${launch}`;
  assert.deepEqual(problemsOf(value(1024)), []);
  assert.match(problemsOf(value(1025)).join('\n'), /has 1025 characters; at most 1024/);
  const described = (length: number): string =>
    steps('').replace('action:', `description: ${'d'.repeat(length)}\n    action:`);
  assert.deepEqual(problemsOf(described(1024)), []);
  assert.match(problemsOf(described(1025)).join('\n'), /must have 1 to 1024 characters/);
  const outputTwice = `${steps('')}outputs:\n${list(2, () => '{ name: same, value: x }')}`;
  assert.match(problemsOf(outputTwice).join('\n'), /two outputs with the name 'same'/);
});

test('waitSeconds must be within the timeout, and retry within its limits', () => {
  const text = `schemaVersion: 1.0
steps:
  - name: Launch
    action: LaunchInstance
    timeoutSeconds: 60
    waitSeconds: 60
    retry: { maxAttempts: 11, backoffSeconds: 601 }
    inputs: { waitFor: ssmAgent }
`;
  assert.deepEqual(problemsOf(text), [
    "wf.yaml:6:18: 'waitSeconds' of step 'Launch' must be from 0 to 59, not 60.",
    "wf.yaml:7:27: 'maxAttempts' of 'retry' of step 'Launch' must be from 1 to 10, not 11.",
    "wf.yaml:7:47: 'backoffSeconds' of 'retry' of step 'Launch' must be from 0 to 600, not 601.",
  ]);
});

test('conditions are refused when they are unknown, doubled, without value, too wide or too deep', () => {
  const when = (condition: string): string => `schemaVersion: 1.0\nsteps:\n${launch}    if: ${condition}\n`;
  const nested = (depth: number): string =>
    depth === 1 ? '{ stringEquals: a, value: a }' : `{ not: ${nested(depth - 1)} }`;
  const cases: readonly [string, RegExp | undefined][] = [
    ['{ stringEquals: AMI, value: $.imagebuilder.imageType }', undefined],
    ['[{ stringEquals: AMI, value: $.imagebuilder.imageType }]', undefined],
    ["{ numberEquals: '1', value: $.imagebuilder.imageBuildNumber }", undefined],
    [nested(4), undefined],
    [nested(5), /nested deeper than 4/],
    ['{ stringContains: AMI, value: x }', /'stringContains' is not a condition/],
    ['{ stringEquals: a, numberEquals: 1, value: x }', /here are two/],
    ['{ stringEquals: a }', /needs the key 'value'/],
    ['{ booleanEquals: "true", value: true }', /must be a boolean/],
    ['{ numberEquals: many, value: 1 }', /must be a number/],
    ['{ and: [] }', /a list of 1 to 10/],
    ['{ stringEquals: a, value: $.parameters.nope }', /no parameter 'nope'/],
    ['{}', /A condition is missing/],
  ];
  for (const [condition, expected] of cases) {
    const found = problemsOf(when(condition));
    if (expected === undefined) assert.deepEqual(found, [], condition);
    else assert.match(found.join('\n'), expected, condition);
  }
});

test('no document makes the parser throw anything but its problems', () => {
  const words = fc.constantFrom(
    ...['schemaVersion', '1.0', 'steps', 'name', 'action', 'LaunchInstance', 'CreateImage', 'inputs', 'instanceId.$'],
    ...[
      'waitFor',
      'ssmAgent',
      'if',
      'and',
      'not',
      'stringEquals',
      'value',
      '$.stepOutputs.A.b',
      '{{ $.parameters.x }}',
    ],
    ...['retry', 'maxAttempts', 'timeoutSeconds', 'outputs', 'parameters', 'type', 'default', '__proto__', ''],
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      fc.oneof(words, fc.integer(), fc.boolean(), fc.constant(null)),
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(words, tie('tree'), { maxKeys: 5 }),
    ),
  }));
  fc.assert(
    fc.property(fc.oneof(tree, fc.record({ schemaVersion: fc.constant('1.0'), steps: tree })), (document) => {
      problemsOf(JSON.stringify(document));
    }),
    { numRuns: 500 },
  );
});

test('a hostile text of blanks is read in no time', () => {
  const blanks = ' '.repeat(60_000);
  const text = steps(`  - name: End\n    action: TerminateInstance\n    inputs: { instanceId: "{{ $${blanks}" }\n`);
  assert.deepEqual(problemsOf(text), []);
});

test('inputs that are maps and lists are checked down to their members, each problem at its place', () => {
  const text = `schemaVersion: 1.0
steps:
  - name: Copy
    action: DistributeImage
    inputs:
      distributions:
        - { region: us-east-1, colour: red }
        - { name: x, kmsKeyId: k }
  - name: Share
    action: ModifyImageAttributes
    inputs:
      distributedImages: []
      attributes: [{ region: us-east-1, launchPermission: { userIds: all } }]
  - name: Publish
    action: ApplyImageConfigurations
    inputs:
      distributedImages.$: $.imagebuilder.imageName
  - name: Ask
    action: WaitForAction
    timeoutSeconds: 604801
    inputs: { payload: '{' }
  - name: Run
    action: RunCommand
    inputs:
      instanceId: i-1
      documentName: AWS-ConfigureAWSPackage
      parameters: { commands: [1, '{{ $.stepOutputs.Nope.x }}'], more: text }
`;
  assert.deepEqual(problemsOf(text, 'DISTRIBUTION'), [
    "wf.yaml:7:32: an item of input 'distributions' has no input 'colour'. (allowed: region, name, description, targetAccountIds, amiTags, kmsKeyId)",
    "wf.yaml:8:11: an item of input 'distributions' needs the input 'region'.",
    "wf.yaml:8:22: Kiln does not support the input 'kmsKeyId' (encryption with KMS keys) yet.",
    "wf.yaml:12:26: Input 'distributedImages' needs the output of a step. (write 'distributedImages.$: $.stepOutputs…')",
    "wf.yaml:13:70: Input 'userIds' must be a list, not 'all'.",
    "wf.yaml:17:28: Input 'distributedImages' needs the output of a step. (write $.stepOutputs.STEP.OUTPUT)",
    "wf.yaml:20:21: 'timeoutSeconds' of step 'Ask' must be from 1 to 604800, not 604801.",
    "wf.yaml:21:24: Input 'payload' is not JSON.",
    "wf.yaml:26:21: Kiln does not support 'AWS-ConfigureAWSPackage' here: packages of Systems Manager Distributor come from AWS only.",
    "wf.yaml:27:35: There is no step 'Nope'. (did you mean 'Copy'?)",
    "wf.yaml:27:72: 'more' must be a list, not 'text'.",
  ]);
});
