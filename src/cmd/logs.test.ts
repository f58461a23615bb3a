/** `kiln logs` of a build, while it runs and afterwards. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { build } from './build.fixture.ts';
import { runCommand } from './command.fixture.ts';
import { EXIT } from './exit-codes.ts';
import { logs } from './logs.ts';
import { parseArguments } from './parse-arguments.ts';
import { openTestService, type TestService } from './service.fixture.ts';
import { template } from './template.fixture.ts';

const never = new AbortController().signal;

/** Runs `kiln logs` and tells of each line when it is written. */
async function follow({ config }: TestService, argv: readonly string[], onLine: (line: string) => void) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const lines: string[] = [];
  let rest = '';
  stdout.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) {
      lines.push(line);
      onLine(line);
    }
  });
  const io = { stdout, stderr, colour: false } as unknown as Parameters<typeof logs.run>[1]['io'];
  const code = await logs.run(parseArguments('logs', logs, argv), { config, io, signal: never });
  return { code, lines };
}

test('the log of a build is followed to its end, in order, and the console only when it is asked for', async () => {
  await using service = await openTestService();
  const go = join(service.folder, 'go');
  let following: ReturnType<typeof follow> | undefined;
  let arn = '';
  const { outcome } = await build(
    service,
    template(`echo first; until test -e ${go}; do sleep 0.02; done; echo second`),
    never,
    (event) => {
      const { event: name, imageBuildVersionArn } = JSON.parse(event);
      if (name !== 'started') return;
      arn = imageBuildVersionArn;
      following = follow(service, [arn, '-f'], (line) => {
        // The build goes on only when its log has been read so far.
        if (line.endsWith('| first')) void writeFile(go, '');
      });
    },
  );
  assert.equal(outcome.status, 'AVAILABLE', outcome.reason);
  const followed = await following;
  assert.equal(followed?.code, EXIT.done);
  const texts = followed.lines.map((line) => line.replace(/^[0-9:]{8} {2}/, ''));
  const at = (wanted: RegExp): number => texts.findIndex((text) => wanted.test(text));
  const order = [/^PENDING$/, /^BUILDING$/, /ApplyBuildComponents RUNNING/, / {2}\| first$/, / {2}\| second$/];
  const places = [...order, /ApplyBuildComponents COMPLETED in /, /^AVAILABLE$/].map(at);
  assert.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
    texts.join('\n'),
  );
  assert.ok(!places.includes(-1), texts.join('\n'));
  assert.equal(at(/^AVAILABLE$/), texts.length - 1);
  assert.equal(at(/simulated kernel/), -1);

  const later = await runCommand(logs, [arn], service.config);
  assert.deepEqual(later.stdout.trimEnd().split('\n'), followed.lines);
  const { stdout } = await runCommand(logs, [arn, '--console'], service.config);
  assert.match(stdout, /^[0-9:]{8} {4}: simulated kernel$/m);
  const rest = stdout.split('\n').filter((line) => !/^[0-9:]{8} {4}: /.test(line));
  assert.deepEqual(rest.join('\n'), later.stdout);
});
