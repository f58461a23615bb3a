import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatProblem, InvalidDocumentError } from '../util/problem.ts';
import { ACTION_MODULES } from './action-modules/index.ts';
import type { ComponentDocument, Step } from './component.ts';
import { type ComponentOptions, parseComponent } from './parse-component.ts';

function parse(text: string, options?: ComponentOptions): ComponentDocument {
  return parseComponent(text, 'c.yaml', options);
}

function problemsOf(text: string, options?: ComponentOptions): readonly string[] {
  try {
    parse(text, options);
  } catch (error) {
    assert.ok(error instanceof InvalidDocumentError, String(error));
    return error.problems.map((problem) => formatProblem(problem).replace('c.yaml:', ''));
  }
  return [];
}

/** A document of one build phase with these steps, each indented by six. */
function withSteps(steps: string, head = ''): string {
  return `schemaVersion: 1.0\n${head}phases:\n  - name: build\n    steps:\n${steps}`;
}

function firstStep(text: string): Step {
  const step = parse(text).phases[0]?.steps[0];
  assert.ok(step !== undefined);
  return step;
}

const RUN = '      - {name: Run, action: ExecuteBash, inputs: {commands: [date]}}\n';

test('schemaVersion 1.0 loads unquoted and quoted, everything else is refused', () => {
  for (const version of ['1.0', '"1.0"', "'1.0'"]) {
    assert.equal(parse(withSteps(RUN).replace('1.0', version)).schemaVersion, '1.0');
  }
  assert.deepEqual(problemsOf(withSteps(RUN).replace('1.0', '1.2')), [
    "1:16: schemaVersion cannot be '1.2'. (write schemaVersion: 1.0)",
  ]);
});

test('permissions and other strings keep their source text', () => {
  const step = firstStep(
    withSteps(
      '      - {name: Make, action: CreateFile, inputs: [{path: /x, content: 012345678901, permissions: 0755, owner: 1.0}]}\n',
    ),
  );
  assert.deepEqual(step.inputs, [{ path: '/x', content: '012345678901', permissions: '0755', owner: '1.0' }]);
});

test('defaults are filled in', () => {
  const step = firstStep(withSteps(RUN));
  assert.deepEqual(
    [step.timeoutSeconds, step.onFailure, step.maxAttempts, step.disableLogging],
    [7200, 'Abort', 1, false],
  );
});

test('timeoutSeconds may be -1 and positive, not 0 and -2', () => {
  const timed = (seconds: string): string =>
    withSteps(RUN.replace('name: Run,', `name: Run, timeoutSeconds: ${seconds},`));
  assert.equal(firstStep(timed('-1')).timeoutSeconds, -1);
  assert.equal(firstStep(timed('"60"')).timeoutSeconds, 60);
  for (const bad of ['0', '-2', 'soon', '1.5']) assert.equal(problemsOf(timed(bad)).length, 1, bad);
});

test('all problems are found in one go, each with its place and what is allowed', () => {
  const text = `schemaVersion: 1.0
nmae: x
parameters:
  - Mode: {type: string}
  - ab: {type: number}
phases:
  - name: build
    steps:
      - name: bad name
        action: ExecuteBash
        onFailure: abort
        inputs:
          commands:
            - |
              echo one
              echo {{ Mod }}
      - name: Two
        action: ExecuteBsh
      - name: Two
        action: CopyFile
        inputs:
          source: /a
      - name: Four
        action: WebDownload
        maxAttempts: 0
        inputs:
          - source: ftp://x
            destination: /y
            overwrite: maybe
`;
  assert.deepEqual(problemsOf(text), [
    "2:1: A component document has no key 'nmae'. (did you mean 'name'?)",
    "5:5: The name 'ab' is not allowed. (3 to 128 letters, digits, - and _)",
    "5:16: A parameter cannot be of type 'number'. (allowed: string)",
    "9:15: Invalid step name 'bad name' in phase 'build'. Allowed characters are combinations of numbers [0-9], english letters [a-z,A-Z] and special characters [-_].",
    "11:20: OnFailure cannot be 'abort'. (did you mean 'Abort'?)",
    "16:20: {{ Mod }} is neither a parameter nor a constant of this document. (did you mean 'Mode'?)",
    "18:17: There is no action module 'ExecuteBsh'. (did you mean 'ExecuteBash'?)",
    "19:9: There are two steps 'Two' in the phase 'build'.",
    '22:11: Inputs of CopyFile must be a list of maps (each begins with a dash), not a map.',
    '25:22: maxAttempts cannot be 0. (it counts the first attempt too: at least 1)',
    "27:21: 'source' cannot be 'ftp://x'. (an http:// or https:// URL is expected)",
    "29:24: 'overwrite' cannot be 'maybe'. (true or false is expected)",
  ]);
});

test('all 30 action modules are known', () => {
  assert.equal(Object.keys(ACTION_MODULES).length, 30);
  for (const module of Object.values(ACTION_MODULES)) {
    const os = module.platforms[0];
    const problems = problemsOf(withSteps(`      - {name: X, action: ${module.name}, inputs: 1}\n`), { os });
    assert.equal(problems.length, 1, problems.join('\n'));
    assert.match(problems[0] ?? '', new RegExp(`${module.name} must be a `));
  }
});

test('a module of another system is refused', () => {
  assert.match(problemsOf(withSteps(RUN), { os: 'windows' })[0] ?? '', /ExecuteBash does not run on Windows/);
  const create = withSteps('      - {name: X, action: CreateFile, inputs: [{path: x, owner: y}]}\n');
  assert.match(problemsOf(create, { os: 'windows' })[0] ?? '', /cannot set 'owner' on Windows/);
  assert.deepEqual(problemsOf(create), []);
});

test('inputs that are missing or empty are refused in the words of AWS', () => {
  for (const inputs of ['', ', inputs: []', ', inputs: {}', ', inputs:']) {
    const problems = problemsOf(withSteps(`      - {name: Get, action: WebDownload${inputs}}\n`));
    assert.match(
      problems[0] ?? '',
      /Parsing step 'Get' in phase 'build' failed. Error: Action WebDownload has no inputs; it requires an 'inputs'/,
    );
  }
  for (const action of ['UpdateOS', 'Reboot']) {
    assert.deepEqual(firstStep(withSteps(`      - {name: X, action: ${action}}\n`)).inputs, [{}]);
  }
});

test('chaining to unknown and later steps, to itself and to what a module does not have is refused', () => {
  const text = (reference: string): string =>
    withSteps(
      `      - {name: First, action: ExecuteBash, inputs: {commands: [date]}}
      - {name: Get, action: WebDownload, inputs: [{source: "https://x.test/a", destination: /a}]}
      - {name: Here, action: ExecuteBash, inputs: {commands: ["${reference}"]}}
      - {name: Last, action: ExecuteBash, inputs: {commands: [date]}}
      - {name: Check, action: Assert, inputs: {stringIsEmpty: ""}}
`,
    );
  for (const good of [
    '{{ build.First.outputs.stdout }}',
    '{{ build.First.inputs.commands }}',
    '{{ build.Get.inputs[0].destination }}',
    '{{ build.Get.outputs.destination }}',
    '{{ build.Get.outputs[0].destination }}',
    '{{ loop.value }} {{ .Go }}',
    '{{ env:HOME }} {{ context:uuid }}',
    '{{ aws:ssm:/x }} {{aws:ssm:/aws/reference/secretsmanager/S}} {{ aws:ssm:x:3 }}',
    '{{ aws:ssm:resolve(aws:ssm:/x) }} {{ aws:imds:placement/region }}',
  ]) {
    assert.deepEqual(problemsOf(text(good)), [], good);
  }
  const bad: Readonly<Record<string, RegExp>> = {
    '{{ build.Frist.outputs.stdout }}': /no step 'Frist' in a phase 'build'. \(did you mean 'build.First'\?\)/,
    '{{ test.First.outputs.stdout }}': /no step 'First' in a phase 'test'/,
    '{{ build.Last.outputs.stdout }}': /'Last' runs later/,
    '{{ build.Here.outputs.stdout }}': /refers to its own step/,
    '{{ build.First.outputs.stderr }}': /no output 'stderr'/,
    '{{ build.First.outputs[1].stdout }}': /one set of outputs/,
    '{{ build.Get.inputs.source }}': /use inputs\[0\]\.source/,
    '{{ build.Get.inputs[1].source }}': /has 1 entries/,
    '{{ build.Get.inputs[0].sauce }}': /did you mean 'source'/,
    '{{ build.First.output.stdout }}': /not a valid reference/,
    '{{ context:osname }}': /did you mean 'osName'/,
    '{{ aws:ssm:resolve(Missing) }}': /Missing is neither a parameter nor a constant/,
    '{{ aws:ssm:resolve(aws:ssm:resolve(x)) }}': /not a valid reference/,
    '{{ aws:ssm:a b }}': /not a valid reference/,
    '{{ aws:imds:iam/info }}': /not allowed/,
    '{{ aws:imds://IAM/info }}': /not allowed/,
    '{{ aws:imds:identity-credentials }}': /not allowed/,
    '{{ aws:imds:a/../iam/info }}': /no name/,
    '{{ aws:imds:%69am/info }}': /not a valid reference/,
  };
  for (const [reference, message] of Object.entries(bad)) {
    const problems = problemsOf(text(reference));
    assert.equal(problems.length, 1, reference);
    assert.match(problems[0] ?? '', message);
  }
});

test('parameters and constants share one namespace and know their keys', () => {
  const document = parse(
    withSteps(
      RUN,
      'parameters:\n  - One: {type: string}\n  - Two: {type: string, default: 0700, description: d}\nconstants:\n  - Three: {type: string, value: 1.10}\n',
    ),
  );
  assert.deepEqual(document.parameters, [
    { name: 'One', type: 'string', default: undefined, description: undefined },
    { name: 'Two', type: 'string', default: '0700', description: 'd' },
  ]);
  assert.deepEqual(document.constants, [{ name: 'Three', value: '1.10' }]);
  const problems = problemsOf(
    withSteps(
      RUN,
      'parameters:\n  - One: {type: string}\nconstants:\n  - One: {type: string, value: x}\n  - Two: {type: string}\n  - name: Four\n    type: string\n',
    ),
  );
  assert.match(problems[0] ?? '', /'One' is already a parameter/);
  assert.match(problems[1] ?? '', /needs the key 'value'/);
  assert.match(problems[2] ?? '', /its name as the only key/);
});

test('phases are checked', () => {
  assert.match(problemsOf('schemaVersion: 1.0\nphases: []\n')[0] ?? '', /no phases/);
  assert.match(problemsOf('schemaVersion: 1.0\nphases:\n  - name: build\n    steps: []\n')[0] ?? '', /no steps/);
  const verify = withSteps(RUN).replace('name: build', 'name: verify');
  assert.match(problemsOf(verify)[0] ?? '', /At least one of the phases build, validate, test/);
  assert.deepEqual(problemsOf(verify, { standardPhase: false }), []);
  assert.match(problemsOf(`${withSteps(RUN)}  - name: build\n    steps:\n${RUN}`)[0] ?? '', /two phases 'build'/);
});

test('WebDownload takes checksum and algorithm only together and of the right length', () => {
  const download = (rest: string): string =>
    withSteps(
      `      - {name: Get, action: WebDownload, inputs: [{source: "https://x.test/a", destination: /a, ${rest}}]}\n`,
    );
  assert.match(problemsOf(download('checksum: abc'))[0] ?? '', /given together/);
  assert.match(problemsOf(download('checksum: abc, algorithm: SHA1'))[0] ?? '', /40 hexadecimal digits/);
  assert.match(problemsOf(download('checksum: abc, algorithm: sha1'))[0] ?? '', /did you mean 'SHA1'/);
  assert.deepEqual(problemsOf(download(`checksum: ${'a'.repeat(64)}, algorithm: SHA256`)), []);
});

test('conditions are read with their operators, companions and depth', () => {
  const withIf = (condition: string): string => withSteps(RUN.replace('name: Run,', `name: Run, if: ${condition},`));
  assert.deepEqual(firstStep(withIf('{stringEquals: 2023, value: "x", else: Abort}')).condition, {
    condition: { stringEquals: '2023', value: 'x' },
    whenTrue: 'Execute',
    whenFalse: 'Abort',
  });
  const not = '{not: {fileExists: /a}}';
  assert.deepEqual(problemsOf(withIf(not)), []);
  assert.deepEqual(problemsOf(withIf('{not: [{fileExists: /a}]}')), []);
  const nested = (levels: number): string => (levels === 0 ? '{fileExists: /a}' : `{not: ${nested(levels - 1)}}`);
  assert.deepEqual(problemsOf(withIf(nested(4))), []);
  const bad: Readonly<Record<string, RegExp>> = {
    '{}': /no operator/,
    '{stringEqual: x, value: y}': /did you mean 'stringEquals'/,
    '{stringEquals: x}': /needs the key 'value'/,
    '{fileExists: x, value: y}': /has no key 'value'/,
    '{fileExists: x, folderExists: y}': /two operators/,
    '{and: [{fileExists: x}]}': /at least two conditions/,
    '{numberEquals: ten, value: 1}': /must be a number/,
    '{patternMatches: "(?=x)", value: y}': /pattern of 'patternMatches' is not valid/,
    '{fileExists: x, then: execute}': /did you mean 'Execute'/,
    [nested(5)]: /nested deeper than 4/,
  };
  for (const [condition, message] of Object.entries(bad)) {
    assert.match(problemsOf(withIf(condition))[0] ?? 'none', message, condition);
  }
});

test('loops are read; those without an end are refused', () => {
  const withLoop = (loop: string): string => withSteps(RUN.replace('name: Run,', `name: Run, loop: ${loop},`));
  assert.deepEqual(firstStep(withLoop('{for: {start: 10, end: 0, updateBy: -5}}')).loop, {
    kind: 'for',
    name: '',
    start: 10,
    end: 0,
    updateBy: -5,
  });
  assert.deepEqual(firstStep(withLoop('{name: n, forEach: [a, 010]}')).loop, {
    kind: 'items',
    name: 'n',
    items: ['a', '010'],
  });
  assert.deepEqual(firstStep(withLoop('{forEach: {list: "a,b"}}')).loop, {
    kind: 'list',
    name: '',
    list: 'a,b',
    delimiter: ',',
  });
  const bad: Readonly<Record<string, RegExp>> = {
    '{for: {start: 10, end: 0, updateBy: 1}}': /never ends/,
    '{for: {start: 0, end: 1, updateBy: 0}}': /never ends/,
    '{for: {start: 0, end: 999999999, updateBy: 1}}': /at most 100000/,
    '{forEach: {list: x, delimiter: ab}}': /delimiter cannot be "ab"/,
    '{forEach: []}': /at least one item/,
    '{forEach: [a], for: {start: 0, end: 1, updateBy: 1}}': /exactly one/,
    '{name: x}': /exactly one/,
  };
  for (const [loop, message] of Object.entries(bad))
    assert.match(problemsOf(withLoop(loop))[0] ?? 'none', message, loop);
});

test('a document is frozen at every depth', () => {
  const document = parse(withSteps(RUN));
  assert.throws(() => Object.assign(document.phases[0]?.steps[0]?.inputs[0] ?? {}, { commands: [] }), TypeError);
});

test('5,000 steps are validated without trouble', () => {
  const steps = Array.from(
    { length: 5000 },
    (_, index) => `      - {name: S${index}, action: ExecuteBash, inputs: {commands: ["echo {{ One }}"]}}\n`,
  );
  const document = parse(withSteps(steps.join(''), 'parameters: [{One: {type: string}}]\n'), { maxBytes: 1024 * 1024 });
  assert.equal(document.phases[0]?.steps.length, 5000);
});

test('whatever the document is, the parser gives a document or problems', () => {
  const key = fc.constantFrom(
    'schemaVersion',
    'phases',
    'name',
    'steps',
    'action',
    'inputs',
    'if',
    'loop',
    'and',
    'not',
    'for',
    'forEach',
    'commands',
    'parameters',
    'x',
    'value',
    'stringEquals',
    'timeoutSeconds',
  );
  const scalar = fc.oneof(
    fc.constantFrom(
      '1.0',
      'build',
      'ExecuteBash',
      'Assert',
      'WebDownload',
      '{{ x }}',
      '{{ a.b.outputs.c }}',
      '__proto__',
      'toString',
    ),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.string(),
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 6 },
      scalar,
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(fc.oneof(key, fc.string()), tie('tree'), { maxKeys: 5 }),
    ),
  }));
  const document = fc.record({
    schemaVersion: fc.constant('1.0'),
    parameters: tree,
    phases: fc.oneof(
      tree,
      fc.array(
        fc.record({
          name: scalar,
          steps: fc.array(
            fc.record({ name: scalar, action: scalar, inputs: tree, if: tree, loop: tree }, { requiredKeys: [] }),
            { maxLength: 3 },
          ),
        }),
        { maxLength: 2 },
      ),
    ),
  });
  fc.assert(
    fc.property(fc.oneof(document, tree), (value) => {
      problemsOf(JSON.stringify(value) ?? '');
    }),
    { numRuns: 500 },
  );
});

test('Reboot has no time limit, whatever its step says', () => {
  for (const more of ['', ', timeoutSeconds: 5']) {
    assert.equal(firstStep(withSteps(`      - {name: R, action: Reboot${more}}\n`)).timeoutSeconds, -1);
  }
});

test('messages say what was probably meant', () => {
  const cases: readonly (readonly [string, readonly RegExp[]])[] = [
    [
      '      - {name: A, action: ExecuteBash, input: {commands: [x]}}\n',
      [/has no key 'input'\. \(did you mean 'inputs'\?\)/],
    ],
    [
      '      - {name: A, action: ExecuteBash, if: {and: [{fileExists: /x}]}, inputs: {commands: [x]}}\n',
      [/'and' needs at least two conditions and has 1\. \(a single condition stands without it\)/],
    ],
    [
      '      - {name: A, action: ExecuteBash, loop: {forEach: "a,b"}, inputs: {commands: ["{{ loop.item }}"]}}\n',
      [
        /must be a list, or a map with 'list' and 'delimiter', not 'a,b'/,
        /of a loop there are 'loop\.value' and 'loop\.index'/,
      ],
    ],
    [
      '      - {name: A, action: ExecuteBash, inputs: {commands: ["{{ build.X.output.stdout }}"]}}\n',
      [/did you mean 'build\.X\.outputs\.stdout'\?/],
    ],
    [
      '      - {name: A, action: S3Download, inputs: [{source: "https://b/x", destination: x, expectedBucketOwner: 12}]}\n',
      [
        /'source' cannot be 'https:\/\/b\/x'\. \(s3:\/\/BUCKET\/KEY is expected\)/,
        /an account id of 12 digits is expected/,
      ],
    ],
  ];
  for (const [step, messages] of cases) {
    const problems = problemsOf(withSteps(step));
    assert.equal(problems.length, messages.length, problems.join('\n'));
    for (const [index, message] of messages.entries()) assert.match(problems[index] ?? '', message);
  }
  const phase = problemsOf('schemaVersion: 1.0\nphases:\n  - build:\n      steps: []\n');
  assert.match(
    phase.join('\n'),
    /A phase needs the keys name and steps\. \(write `- name: build`, and steps beside it\)$/,
  );
  const parameter = withSteps(RUN).replace('phases:', 'parameters:\n  - name: Version\n    type: string\nphases:');
  assert.match(problemsOf(parameter).join('\n'), /write the name itself as the key: `- Version:`/);
});
