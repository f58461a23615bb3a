import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { BuildFailure } from '../../util/faults.ts';
import { silentMonitor } from '../../util/monitor.ts';
import type { LocalFunction } from './registry.ts';
import { runFunction } from './run-function.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'kiln-functions-test-'));
});
after(async () => {
  await rm(folder, { recursive: true, force: true });
});

const never = new AbortController().signal;
let count = 0;

interface Options extends Partial<LocalFunction> {
  readonly signal?: AbortSignal;
  readonly event?: string;
  readonly lines?: string[];
}

/** Runs a function with these files. */
async function run(files: Readonly<Record<string, string>>, options: Options = {}): Promise<string> {
  const { signal = never, event = '{"a":1}', lines, ...definition } = options;
  const code = path.join(folder, `code-${++count}`);
  await mkdir(code);
  for (const [name, text] of Object.entries(files)) {
    await writeFile(path.join(code, name), text);
    await chmod(path.join(code, name), 0o755);
  }
  const monitor = lines === undefined ? silentMonitor : { line: (_: string, text: string) => lines.push(text) };
  const complete: LocalFunction = {
    ...{ name: 'f', runtime: 'nodejs', handler: 'index.handler', memoryMiB: 256, timeoutSeconds: 20, environment: {} },
    ...definition,
  };
  const request = { definition: complete, code, event, functionArn: 'arn:aws:lambda:us-east-1:1:function:f' };
  return runFunction({ ...request, region: 'us-east-1' }, { signal, monitor });
}

const js = (body: string): Readonly<Record<string, string>> => ({
  'index.mjs': `export const handler = async (event, context) => { ${body} };`,
});

test('a function gets its event and context, prints to the log, and its answer comes back', async () => {
  const lines: string[] = [];
  const answer = await run(
    js(
      `console.log('said ' + event.a); return { got: event, id: context.invokedFunctionArn, left: context.getRemainingTimeInMillis() > 0 };`,
    ),
    { lines },
  );
  assert.deepEqual(JSON.parse(answer), { got: { a: 1 }, id: 'arn:aws:lambda:us-east-1:1:function:f', left: true });
  assert.deepEqual(lines, ['said 1']);
});

test('a function has an environment of its own, and a user of its own where Kiln is root', async () => {
  const body = 'return { env: Object.keys(process.env).sort(), uid: process.getuid(), own: process.env.OWN };';
  const first = JSON.parse(await run(js(body), { environment: { OWN: 'x=y z' } }));
  assert.equal(first.own, 'x=y z');
  assert.deepEqual(
    first.env.filter((name: string) => !/^(AWS_|KILN_FUNCTION_RUN)/.test(name)),
    ['HOME', 'LAMBDA_TASK_ROOT', 'LANG', 'OWN', 'PATH', 'TMPDIR', 'TZ', '_HANDLER'],
  );
  assert.equal(first.env.includes('AWS_SECRET_ACCESS_KEY'), false);
  if (process.getuid?.() !== 0) return;
  assert.notEqual(first.uid, 0);
  await assert.rejects(
    run(js("return require('fs').readFileSync('/etc/shadow')"), { handler: 'index.handler' }),
    BuildFailure,
  );
});

test('Python functions and programs of any language are run alike', async () => {
  const python = { 'app.py': 'def handler(event, context):\n    return {"twice": event["a"] * 2}\n' };
  assert.deepEqual(JSON.parse(await run(python, { runtime: 'python', handler: 'app.handler' })), { twice: 2 });
  const bootstrap = `#!/bin/sh
base="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
event=$(curl -sS -D "$TMPDIR/headers" "$base/next")
id=$(sed -n 's/^lambda-runtime-aws-request-id: *\\([0-9a-f-]*\\).*/\\1/p' "$TMPDIR/headers")
curl -sS -d "{\\"shell\\": $event}" "$base/$id/response"
`;
  assert.deepEqual(JSON.parse(await run({ bootstrap }, { runtime: 'provided' })), { shell: { a: 1 } });
});

test('a function that fails, crashes, answers garbage or is not there fails with what happened', async () => {
  const cases: readonly [Readonly<Record<string, string>>, Partial<LocalFunction>, RegExp][] = [
    [js("throw new TypeError('no such thing')"), {}, /'f' failed: TypeError: no such thing/],
    [js('process.exit(7)'), {}, /'f' ended without an answer: exit status 7/],
    [js('process.kill(process.pid, 9)'), {}, /'f' ended without an answer: signal SIGKILL/],
    [{ 'index.mjs': 'this is not code' }, {}, /'f' failed: SyntaxError/],
    [js(''), { handler: 'index.nothing' }, /index\.mjs has no function nothing/],
    [{}, {}, /There is no file index\.mjs/],
    [{}, { runtime: 'provided' }, /'f' cannot be started: it has no program 'bootstrap'/],
    [
      js(
        "const base = 'http://' + process.env.AWS_LAMBDA_RUNTIME_API + '/2018-06-01/runtime/invocation/' + context.awsRequestId; await fetch(base + '/response', { method: 'POST', body: '<html>' }); await new Promise(() => setInterval(() => {}, 1000));",
      ),
      {},
      /'f' answered what is not JSON/,
    ],
  ];
  for (const [files, definition, message] of cases) {
    await assert.rejects(run(files, definition), (error) => {
      assert.ok(error instanceof BuildFailure);
      assert.match(error.message, message);
      return true;
    });
  }
});

test('a function that hangs is ended in time, with all that it started', async () => {
  const file = path.join(os.tmpdir(), `kiln-function-left-${process.pid}`);
  const start = `const { spawn } = await import('node:child_process'); spawn('/bin/sh', ['-c', 'sleep 5; touch ${file}'], { detached: true, stdio: 'ignore' });`;
  await assert.rejects(
    run(js(`${start} await new Promise(() => setInterval(() => {}, 1000));`), { timeoutSeconds: 1 }),
    {
      message: "The function 'f' did not answer within 1 s",
    },
  );
  assert.equal(existsSync(file), false);
});

test('a function that takes too much memory is ended', async () => {
  const grow =
    'const all = []; for (;;) { all.push(Buffer.alloc(16 * 1024 * 1024, 1)); await new Promise((r) => setTimeout(r, 5)); }';
  await assert.rejects(run(js(grow), { memoryMiB: 200 }), /used more than 200 MiB|ended without an answer/);
});

test('an abort ends the function with the reason', async () => {
  const stopping = new AbortController();
  const lines: string[] = [];
  const running = run(js("console.log('here'); await new Promise(() => setInterval(() => {}, 1000));"), {
    signal: stopping.signal,
    lines: { push: () => stopping.abort(new Error('enough')) } as never,
  });
  await assert.rejects(running, { message: 'enough' });
  assert.deepEqual(lines, []);
});

test('a function does not outlive a Kiln that is killed; the next one takes away what it has left', async () => {
  const code = path.join(folder, 'outlives');
  await mkdir(code);
  // What the killed one leaves lies in here; the function's user must get there.
  await chmod(folder, 0o755);
  const text =
    'export const handler = async () => { console.log(process.pid); await new Promise(() => setInterval(() => {}, 1000)); };';
  await writeFile(path.join(code, 'index.mjs'), text);
  const definition = { name: 'f', runtime: 'nodejs', handler: 'index.handler', memoryMiB: 256, timeoutSeconds: 60 };
  const run = {
    definition: { ...definition, environment: {} },
    code,
    event: '{}',
    functionArn: 'arn',
    region: 'us-east-1',
  };
  const program = `import { runFunction } from ${JSON.stringify(new URL('./run-function.ts', import.meta.url).href)};
    await runFunction(${JSON.stringify(run)}, { signal: new AbortController().signal, monitor: { line: (_, text) => console.log(text) } });`;
  const kiln = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: folder },
  });
  const [chunk] = (await once(kiln.stdout, 'data')) as [Buffer];
  const pid = Number(String(chunk).trim());
  assert.ok(existsSync(`/proc/${pid}`));
  kiln.kill('SIGKILL');
  await once(kiln, 'exit');
  // Killed by the kernel, which may take a moment; a zombie is only not yet reaped.
  while ((await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => ' Z ')).includes(' Z ') === false) await delay(10);
  const left = async () => (await readdir(folder)).filter((name) => name.startsWith('kiln-function-'));
  assert.equal((await left()).length, 1);
  await writeFile(path.join(code, 'index.mjs'), 'export const handler = async () => 1;');
  const next = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, TMPDIR: folder },
  });
  assert.deepEqual(await once(next, 'exit'), [0, null]);
  assert.deepEqual(await left(), []);
});
