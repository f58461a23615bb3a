import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { endingWithUs } from './ending-with-us.ts';
import { run } from './spawn.ts';

const skip = process.getuid?.() === 0 ? false : 'only root makes PID namespaces';

async function processesWith(word: string): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name));
  const commands = pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''));
  return (await Promise.all(commands)).filter((command) => command.includes(word)).length;
}

test('what a program has started or mounted ends with the process that started the program, when that is killed', {
  skip,
}, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-ending-'));
  t.after(() => rm(folder, { recursive: true }));
  const mark = `mark-${crypto.randomUUID()}`;
  const here = (name: string): string => JSON.stringify(pathToFileURL(`${import.meta.dirname}/${name}`).href);
  const script = 'mount -t tmpfs tmpfs "$2" && said=started; setsid sh -c "sleep 600; :" "$1" & echo "$said"; wait';
  const source = `import { run } from ${here('spawn.ts')};
    import { endingWithUs } from ${here('ending-with-us.ts')};
    const onStdout = (chunk) => process.stdout.write(chunk);
    await run(...endingWithUs('sh', ['-c', ${JSON.stringify(script)}, 'sh', '${mark}', '${folder}']), { onStdout });`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface({ input: parent.stdout }), 'line');
  assert.equal(line, 'started');
  assert.ok((await processesWith(mark)) > 1);
  parent.kill('SIGKILL');
  while ((await processesWith(mark)) > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.doesNotMatch(await readFile('/proc/self/mounts', 'utf8'), new RegExp(folder));
});

test('the exit code is the program’s, and an abort ends it', { skip }, async () => {
  assert.equal((await run(...endingWithUs('sh', ['-c', 'exit 7']))).code, 7);
  const stop = new AbortController();
  const onStdout = (): void => stop.abort(new Error('enough'));
  const begin = performance.now();
  const running = run(...endingWithUs('sh', ['-c', 'echo begun; exec sleep 600']), { onStdout, signal: stop.signal });
  await assert.rejects(running, { message: 'enough' });
  // SIGTERM was enough: SIGKILL comes after two seconds.
  assert.ok(performance.now() - begin < 1_900);
});
