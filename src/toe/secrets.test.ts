import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bash, documentOf, newPath, rebootable, run, stepOf } from './run-documents.fixture.ts';
import type { ParameterStore } from './run-services.ts';
import { MASK, Secrets } from './secrets.ts';
import { knownMetadata } from './services/known-metadata.ts';
import { RebootByCallerError, RunSuspendedError } from './suspended-run.ts';

const TOKEN = 'tok-"5f$d\\9';
const KEY = '-----BEGIN KEY-----\nMIIabcdef+/=\n-----END KEY-----\n';
const VALUES: Readonly<Record<string, { value: string; secret: boolean }>> = {
  '/token': { value: TOKEN, secret: true },
  '/key': { value: KEY, secret: true },
  '/port': { value: '8080', secret: false },
  '/hosts': { value: 'a,b', secret: false },
  '/which': { value: '/port', secret: false },
};
const parameters: ParameterStore = async (name) => VALUES[name];
const services = { parameters };

/** Everything that a run told anybody. */
function told(result: unknown): string {
  return JSON.stringify(result);
}

test('a SecureString is in no log line, input, output or message, also when a command prints it', async () => {
  const heredoc = `cat <<'EOV'\n{{ aws:ssm:/token }}\nEOV`;
  const steps = [
    bash('Show', heredoc),
    bash(
      'Halves',
      `cat <<'EOV' | { read -r x; printf %s "\${x%???}"; sleep 0.1; echo "\${x#"\${x%???}"}"; }\n{{ aws:ssm:/token }}\nEOV`,
    ),
    bash('Error', `{ ${heredoc}\n} >&2; exit 3`, { onFailure: 'Ignore' }),
    { name: 'Bad', action: 'CreateFolder', onFailure: 'Ignore', inputs: [{ path: '/dev/null/{{ aws:ssm:/token }}' }] },
    { name: 'Args', action: 'ExecuteBinary', inputs: { path: 'echo', arguments: ['<{{ aws:ssm:/token }}>'] } },
    bash('Chained', '[ "$(cat)" = x ] || [ -n \'{{ build.Args.outputs.stdout }}\' ]'),
  ];
  const result = await run([documentOf({ build: steps })], { services });
  assert.equal(result.status, 'success', told(result.firstFailure));
  assert.equal(told(result).includes(JSON.stringify(TOKEN).slice(1, -1)), false);
  assert.deepEqual(stepOf(result, 'Show').outputs, [{ stdout: MASK }]);
  assert.deepEqual(stepOf(result, 'Halves').outputs, [{ stdout: MASK }]);
  assert.deepEqual(stepOf(result, 'Args').inputs, [{ path: 'echo', arguments: [`<${MASK}>`] }]);
  assert.ok(result.events.includes(`stdout: ${MASK}`));
  assert.ok(result.events.includes(`stderr: ${MASK}`));
});

test('a secret of several lines is masked line by line', async () => {
  const steps = [bash('Show', `cat <<'EOV'\n{{ aws:ssm:/key }}EOV`)];
  const result = await run([documentOf({ build: steps })], { services });
  assert.equal(told(result).includes('MIIabcdef'), false);
});

test('a secret that would be cut in two by a limit is not shown in part', async () => {
  const long = bash(
    'Long',
    `x='{{ aws:ssm:/token }}'; for i in $(seq 8000 8200); do printf "%\${i}s%s%9000s\\n" '' "$x" ''; done; head -c 3000000 /dev/zero | tr '\\0' y; printf '%s' "$x"`,
  );
  const result = await run([documentOf({ build: [long] })], { services });
  for (let length = 4; length <= TOKEN.length; length++) {
    const piece = JSON.stringify(TOKEN.slice(0, length)).slice(1, -1);
    assert.equal(told(result).includes(piece), false, `the first ${length} characters`);
  }
});

test('a String and a StringList are values as any other', async () => {
  const step = bash('Plain', 'echo {{ aws:ssm:/port }} {{ aws:ssm:/hosts }}');
  const loop = { ...bash('Loop', 'echo {{ loop.value }}'), loop: { forEach: { list: '{{ aws:ssm:/hosts }}' } } };
  const result = await run([documentOf({ build: [step, loop] })], { services });
  assert.deepEqual(stepOf(result, 'Plain').outputs, [{ stdout: '8080 a,b' }]);
  assert.deepEqual(stepOf(result, 'Loop').outputs, [{ stdout: 'a\nb' }]);
});

test('the name of a parameter may come from a parameter of the document or from the store', async () => {
  const head = { parameters: [{ Which: { type: 'string', default: '/port' } }] };
  const step = bash('Both', 'echo {{ aws:ssm:resolve(Which) }} {{ aws:ssm:resolve(aws:ssm:/which) }}');
  const result = await run([documentOf({ build: [step] }, head)], { services });
  assert.deepEqual(stepOf(result, 'Both').outputs, [{ stdout: '8080 8080' }]);
});

test('a parameter that does not exist, and a store that is not there or says no, fail the step', async () => {
  const document = documentOf({ build: [bash('S', 'echo {{ aws:ssm:/none }}')] });
  const refusing: ParameterStore = async () => Promise.reject(new Error('AccessDenied'));
  const messages = [
    (await run([document], { services })).firstFailure?.errorMessage,
    (await run([document])).firstFailure?.errorMessage,
    (await run([document], { services: { parameters: refusing } })).firstFailure?.errorMessage,
  ];
  assert.deepEqual(messages, [
    '{{ aws:ssm:/none }}: there is no parameter with this name',
    '{{ aws:ssm:/none }}: no Parameter Store is configured for this run',
    '{{ aws:ssm:/none }}: AccessDenied',
  ]);
});

test('instance metadata comes from what is known about the machine, and is refused where it is not known', async () => {
  const document = documentOf({
    build: [bash('S', 'echo {{ aws:imds:instance-id }} {{ aws:imds:/placement/region }}')],
  });
  const metadata = knownMetadata({ 'instance-id': 'i-0123', 'placement/region': 'eu-west-1' });
  assert.deepEqual(stepOf(await run([document], { services: { metadata } }), 'S').outputs, [
    { stdout: 'i-0123 eu-west-1' },
  ]);
  assert.match((await run([document])).firstFailure?.errorMessage ?? '', /instance-id .*no instance metadata is known/);
});

test('a run that waits for a reboot holds no secret, and what used one cannot be used after it', async () => {
  const target = { ...rebootable(), reboot: async () => Promise.reject(new RebootByCallerError()) };
  const marker = newPath();
  const document = documentOf({
    build: [
      bash('Secret', `echo '{{ aws:ssm:/token }}'`),
      bash('Reboot', `[ -e ${marker} ] || { touch ${marker}; exit 194; }`),
      bash('After', `echo '{{ build.Secret.outputs.stdout }}'`),
    ],
  });
  const state = await run([document], { services, target }).then(
    () => assert.fail('the run was not suspended'),
    (error: unknown) => {
      assert.ok(error instanceof RunSuspendedError);
      return error.state;
    },
  );
  assert.equal(told(state).includes('5f$d'), false);
  const resumed = await run([document], { services, target, resume: JSON.parse(JSON.stringify(state)) });
  assert.match(resumed.firstFailure?.errorMessage ?? '', /used a secret, which was not kept over the reboot/);
});

test('one secret may be part of another, and an empty one hides nothing', () => {
  const secrets = new Secrets();
  secrets.add('ab');
  secrets.add('abcd');
  secrets.add('');
  assert.equal(secrets.mask('abcd ab x'), `${MASK} ${MASK} x`);
  assert.deepEqual(secrets.maskAll({ a: ['xabx', 1], b: undefined }), { a: [`x${MASK}x`, 1], b: undefined });
});
