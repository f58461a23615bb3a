import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { COMMANDS } from './commands.ts';
import { environmentOf } from './environment.fixture.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { commandHelp } from './help.ts';

let folder: string;
let home: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'kiln-cli-'));
  home = join(folder, 'home');
  writeFileSync(join(folder, 'a.yaml'), 'Resources: {}\n');
  writeFileSync(
    join(folder, 'https.yaml'),
    `Resources:
  C:
    Type: AWS::ImageBuilder::Component
    Properties:
      Name: curl
      Version: 1.0.0
      Platform: Linux
      # Not a path:
      Uri: https://example.org/c.yaml
`,
  );
});
after(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function kiln(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Result> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'kiln.ts'), ...args], {
    cwd: folder,
    env: { ...environmentOf(home), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err] = [child.stdout, child.stderr].map((stream) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    return chunks;
  });
  const [code] = await once(child, 'close');
  const text = (chunks: readonly Buffer[] | undefined): string => Buffer.concat(chunks ?? []).toString();
  return { code, stdout: text(out), stderr: text(err) };
}

test('the help names every command, every exit code and ends with 0', async () => {
  for (const args of [['help'], ['--help'], ['-h'], []]) {
    const { code, stdout } = await kiln(args);
    assert.equal(code, 0);
    for (const { name } of COMMANDS) assert.match(stdout, new RegExp(`^  ${name} `, 'm'));
    for (const { meaning } of EXIT_CODES) assert.ok(stdout.includes(meaning));
  }
});

test('every command has a help of its own', async () => {
  for (const { name, load } of COMMANDS) {
    assert.match(commandHelp(name, await load()), new RegExp(`^Usage: kiln ${name} `));
  }
  const { code, stdout, stderr } = await kiln(['build', '--help']);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^Usage: kiln build /);
});

const WRONG: readonly (readonly [args: readonly string[], message: RegExp])[] = [
  [['buidl'], /no command 'buidl'; did you mean 'build'/],
  [['build'], /usage: kiln build TEMPLATE/],
  [['build', 'a', 'b'], /unexpected argument 'b'/],
  [['build', 'a', '--jsno'], /no option --jsno; did you mean --json/],
  [['build', 'a', '-o'], /-o needs a value: -o FILE/],
  [['build', 'a', '--image', '--json'], /--image needs a value/],
  [['build', 'a', '--json=yes'], /--json takes no value/],
  [['build', 'a', '-p', 'novalue'], /-p takes KEY=VALUE, not 'novalue'/],
  [['build', 'a', '--format', 'ova'], /--format must be one of qcow2/],
  [['build', 'a', '-o', '/no/such/folder/x.qcow2'], /cannot write to the folder \/no\/such\/folder/],
  [['build', 'a', '-o', '/tmp'], /-o names a folder/],
  [
    ['build', 'a.yaml', '-o', 'a.yaml', '--format', 'raw'],
    /-o names a file that is no image, and would be lost: .*a\.yaml/,
  ],
  [['build', 'a.yaml', '-o', '/dev/null'], /-o names what is not a file/],
  [['build', 'a.yaml', '-o', 'x.vdi'], /'\.vdi' is no format that Kiln writes: name one with --format qcow2/],
  [['export', 'ami-00000000000000000', '/tmp'], /FILE names a folder/],
  [['export', 'ami-00000000000000000', 'nodir/x.raw'], /cannot write to the folder .*nodir/],
  [['export', 'ami-00000000000000000', 'a.yaml', '--format', 'raw'], /FILE names a file that is no image/],
  [
    ['plan', 'https.yaml'],
    /^https\.yaml:9:12: 'https:\/\/example\.org\/c\.yaml' names neither a file beside the template/,
  ],
  [['plan', '/dev/zero'], /\/dev\/zero.*is larger than a template may be: 1048576 bytes/],
  [['show', 'web-server'], /'web-server' is no image ARN; kiln images lists them/],
  [['show', 'ami-00000000000000000'], /there is no AMI ami-00000000000000000/],
  [['rm', 'web-server'], /'web-server' is no image ARN/],
  [['serve', '--port', '70000'], /--port takes a whole number from 0 to 65535, not '70000'/],
  [['import', 'gone', '--name', 'x', '--platform', 'Linux'], /gone: The file cannot be imported: it does not exist/],
  [['import', 'a.yaml', '--name', 'x', '--platform', 'Linux'], /it is not a disk that Kiln knows\.\n {2}try: qcow2/],
  [['import', 'x.qcow2', '--platform', 'Linux'], /--name is missing/],
  [['import', 'x.qcow2', '--name', 'x', '--platform', 'linux'], /--platform must be one of Linux/],
  [['run', 'web-server'], /neither an AMI id nor an image ARN/],
];
for (const [args, message] of WRONG) {
  test(`'kiln ${args.join(' ')}' ends with 2 and says why`, async () => {
    const { code, stdout, stderr } = await kiln(args);
    assert.match(stderr, message);
    assert.equal(code, 2);
    assert.equal(stdout, '');
    assert.doesNotMatch(stderr, /\n\s+at /, 'a stack trace');
  });
}

test('a template with a mistake ends with 2, names file, line and column, and creates nothing', async () => {
  writeFileSync(
    join(folder, 'wrong.yaml'),
    'Resources:\n  I:\n    Type: AWS::ImageBuilder::Image\n    Propertys: {}\n',
  );
  const { code, stderr } = await kiln(['build', 'wrong.yaml']);
  assert.equal(code, 2);
  assert.match(stderr, /^wrong\.yaml:4:5: .*'Propertys'.*did you mean 'Properties'/);
  assert.match(stderr, /4 \| {5}Propertys: \{\}\n {4}\| {5}\^/);
  assert.equal(existsSync(join(home, 'postgres')), false);
});

test('a template that is not there ends with 2', async () => {
  const { code, stderr } = await kiln(['build', 'gone.yaml']);
  assert.equal(code, 2);
  assert.match(stderr, /gone\.yaml: there is no such file/);
});

test('a setting that cannot be ends with 3', async () => {
  const { code, stderr } = await kiln(['env'], { KILN_PORT: 'ssh' });
  assert.equal(code, 3);
  assert.match(stderr, /KILN_PORT must be a whole number/i);
});

test('kiln env prints what AWS clients need, the same every time', async () => {
  const first = await kiln(['env'], { KILN_PORT: '4711' });
  assert.equal(first.code, 0);
  assert.match(
    first.stdout,
    /^export AWS_ENDPOINT_URL_IMAGEBUILDER='http:\/\/127\.0\.0\.1:4711'\nexport AWS_ENDPOINT_URL_STS='http:\/\/127\.0\.0\.1:4711'\nexport AWS_ENDPOINT_URL_CLOUDWATCH_LOGS='http:\/\/127\.0\.0\.1:4711'\nexport AWS_REGION='us-east-1'\nexport AWS_DEFAULT_REGION='us-east-1'\nexport AWS_ACCESS_KEY_ID='AKIA[A-Z2-7]{16}'\nexport AWS_SECRET_ACCESS_KEY='[A-Za-z0-9+/]{40}'\n$/,
  );
  assert.equal((await kiln(['env'], { KILN_PORT: '4711' })).stdout, first.stdout);
});

test('--home wins over KILN_HOME', async () => {
  const other = join(folder, 'other');
  assert.equal((await kiln(['env', '--home', other])).code, 0);
  assert.ok(existsSync(join(other, 'credentials.json')));
});

test('kiln serve says where it listens, is found by other commands, and SIGTERM ends it with 0', async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'kiln.ts'), 'serve', '--port', '0'], {
    env: { ...environmentOf(home), KILN_LOG_LEVEL: 'silent' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  try {
    const [line] = await once(child.stdout, 'data');
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(String(line))?.[0] ?? 'none';
    assert.ok((await kiln(['env'])).stdout.includes(`='${url}'`));
    const { code, stdout, stderr } = await kiln(['images']);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^STATUS/);
    const second = await kiln(['serve']);
    assert.equal(second.code, 1);
    assert.match(second.stderr, new RegExp(`process ${child.pid}.*${url}`));
  } finally {
    child.kill('SIGTERM');
  }
  assert.deepEqual(await ended, [0, null]);
  assert.equal(existsSync(join(home, 'service.json')), false);
});
