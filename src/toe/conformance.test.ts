import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

/**
 * What a runner of component documents must do to be taken for AWSTOE, point by point, and the tests that hold it: file
 * below `src/` and the name of the test. A test that is renamed or removed is missed here.
 */
const CHECKLIST: readonly (readonly [what: string, tests: Readonly<Record<string, readonly string[]>>])[] = [
  [
    'schemaVersion 1.0 and "1.0" load; permissions: 0755 is octal; 012345678901 keeps its zero',
    {
      'documents/parse-component.test.ts': [
        'schemaVersion 1.0 loads unquoted and quoted, everything else is refused',
        'permissions and other strings keep their source text',
      ],
      'toe/actions.suite.ts': ['SetFilePermissions sets the mode exactly'],
    },
  ],
  [
    'phases run in document order',
    { 'toe/run-documents.test.ts': ['phases run in the order of the document, whatever the order of the selection'] },
  ],
  [
    'all phases of a document before the next document',
    { 'toe/run-documents.test.ts': ['a document finishes all its phases before the next one starts'] },
  ],
  [
    'exit 194 ends with 194 and repeats the step; Reboot goes on behind it',
    {
      'cmd/toe/reboot.test.ts': [
        'a command that ends with 194 ends the run with 194, and the same command line goes on with the same step',
        'after the Reboot module the run goes on with the next step, without a state directory too',
      ],
      'toe/run-documents.test.ts': ['exit status 194 reboots and runs the same step again, within one attempt'],
    },
  ],
  [
    'timeoutSeconds 0 and -2 are invalid, -1 is not, 7200 is the default',
    {
      'documents/parse-component.test.ts': [
        'timeoutSeconds may be -1 and positive, not 0 and -2',
        'defaults are filled in',
      ],
    },
  ],
  [
    'maxAttempts counts runs; onFailure after the last',
    { 'toe/run-documents.test.ts': ['maxAttempts counts every attempt, and onFailure acts after the last'] },
  ],
  [
    'Ignore, Continue, Abort',
    {
      'toe/run-documents.test.ts': [
        'Ignore counts the failure and the run succeeds',
        'Continue runs the later steps and phases, and the run fails all the same',
        'Abort stops the whole run, later documents included',
      ],
    },
  ],
  [
    'if false without else skips and succeeds; then: Abort fails',
    {
      'toe/run-step.test.ts': ['if: false without else skips and is a success; Abort fails the step; decided once'],
    },
  ],
  ['and/or short-circuit', { 'toe/run-step.test.ts': ['and and or look at nothing after the operand that decides'] }],
  [
    'a fifth level of logical nesting fails validation',
    { 'documents/parse-component.test.ts': ['conditions are read with their operators, companions and depth'] },
  ],
  [
    'numberEquals of text; what is no number is false',
    { 'toe/conditions.test.ts': ['numbers compare as numbers; what is none makes every comparison false'] },
  ],
  [
    'delimiters of forEach; ranges of for',
    {
      'documents/parse-component.test.ts': ['loops are read; those without an end are refused'],
      'toe/run-step.test.ts': ['loops run once per value and join their outputs'],
    },
  ],
  [
    'loop outputs are joined by line ends; a retry restarts at index 0',
    {
      'toe/run-step.test.ts': [
        'loops run once per value and join their outputs',
        'a failed iteration ends the loop, and a retry begins at the first',
      ],
    },
  ],
  [
    'named loops; outside of a loop the text stays',
    {
      'toe/run-step.test.ts': ['loops run once per value and join their outputs'],
      'documents/component-expressions.test.ts': ['an expression without a value stays as it is written'],
    },
  ],
  [
    'stdout has no line end at its end',
    {
      'toe/resolver.test.ts': ['inputs are chained as they were resolved, outputs without the line end'],
      'toe/actions.suite.ts': [
        'ExecuteBash runs all commands as one script and gives stdout without its last line end',
      ],
    },
  ],
  [
    'aws:imds:iam/info is refused',
    {
      'documents/parse-component.test.ts': [
        'chaining to unknown and later steps, to itself and to what a module does not have is refused',
      ],
    },
  ],
  [
    'WebDownload: redirects, status 200 only, five tries, checksum',
    {
      'toe/actions/web-download.suite.ts': [
        'redirects are followed to a 200',
        'every status but 200 fails, after five tries with growing pauses, and leaves nothing behind',
        'a file with the right checksum is kept without a download; overwrite false fails on any file',
      ],
    },
  ],
  [
    'wildcards need a folder as destination and stand behind the last separator',
    { 'toe/actions.suite.ts': ['a wildcard copies matching files only, hidden ones and odd names too'] },
  ],
  [
    'Create* with owner on Windows fails',
    { 'documents/parse-component.test.ts': ['a module of another system is refused'] },
  ],
  [
    'ExecuteDocument: depth, cycles, one attempt, summary',
    {
      'toe/actions/execute-document.test.ts': [
        'four documents deep run, five do not',
        'a document that runs itself or one around it is stopped, by whatever name',
        'an attempt or a time of its own fails validation',
        'a document runs within a step, with its phases and parameters, and its summary is the output',
      ],
    },
  ],
  [
    '--config excludes --documents and --parameters; --phases wins',
    {
      'cmd/toe/flags.test.ts': ['flags win over the configuration file, and --documents and --parameters exclude it'],
    },
  ],
  [
    'the seven-key summary; logUrl',
    {
      'cmd/toe/toe.test.ts': [
        'a run shows output on standard error and ends with the seven-key summary on standard output',
      ],
      'cmd/toe/flags.test.ts': ['logs go to S3 and logUrl says where; a document comes from there'],
    },
  ],
  [
    'name and files of the log folder',
    {
      'cmd/toe/toe.test.ts': [
        'the log folder has the files and the name that AWSTOE gives them, private to their owner',
      ],
    },
  ],
  [
    'SecureString values are in no log and no inputs',
    {
      'toe/secrets.test.ts': [
        'a SecureString is in no log line, input, output or message, also when a command prints it',
      ],
    },
  ],
  [
    'AWSTOE_IMAGEBUILDER_ENDPOINT redirects the fetching of components',
    {
      'cmd/toe/services.test.ts': [
        'AWSTOE_IMAGEBUILDER_ENDPOINT is where components come from, the newest build for a version',
      ],
    },
  ],
];

for (const [index, [what, tests]] of CHECKLIST.entries()) {
  test(`${index + 1}: ${what}`, async () => {
    const missing: string[] = [];
    for (const [file, names] of Object.entries(tests)) {
      const source = await readFile(new URL(`../${file}`, import.meta.url), 'utf8');
      for (const name of names) if (!source.includes(name)) missing.push(`${file}: ${name}`);
    }
    assert.deepEqual(missing, []);
  });
}
