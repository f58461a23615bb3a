/** `kiln import`, `kiln export`, `kiln rm` and what `kiln run` and `kiln logs` refuse, on real disk files. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { openTestHome, runCommand, type TestHome } from './command.fixture.ts';
import type { Command } from './command.ts';
import { exportImage } from './export.ts';
import { importImage } from './import.ts';
import { logs } from './logs.ts';
import { reportError } from './report-error.ts';
import { rm } from './rm.ts';
import { run } from './run.ts';
import { openTestService } from './service.fixture.ts';

const qemuImg = (...args: string[]) => promisify(execFile)('/usr/bin/qemu-img', args);
const NAMED = ['--name', 'Disk', '--platform', 'Linux'];

/** A disk of 4 MiB with a partition table, and something behind it. */
async function makeDisk({ folder }: TestHome): Promise<{ file: string; content: Buffer }> {
  const content = Buffer.concat([Buffer.alloc(512), randomBytes(64 * 1024)], 4 * 1024 * 1024);
  // One partition of Linux, from sector 2048 on.
  Buffer.from([0, 0, 2, 0, 0x83, 0, 0, 0]).copy(content, 446);
  content.writeUInt32LE(2048, 454);
  content.writeUInt32LE(4096, 458);
  content.writeUInt16BE(0x55aa, 510);
  const file = join(folder, 'disk.raw');
  await writeFile(file, content);
  return { file, content };
}

/** How a command that fails ends, as a person sees it. */
async function refusal(run: Promise<unknown>): Promise<{ exitCode: number; text: string }> {
  const error = await run.then(
    () => assert.fail('it did not fail'),
    (thrown: unknown) => thrown,
  );
  return reportError(error, { colour: false, debug: false });
}

test('a disk goes in as an AMI, comes out in every format with what was in it, and is removed', async () => {
  await using home = await openTestHome();
  const { file, content } = await makeDisk(home);
  const imported = await home.run(importImage, [file, ...NAMED, '--os-version', 'Debian GNU/Linux 12']);
  assert.match(imported.stdout, /^ami-[0-9a-f]{17}\n$/);
  assert.match(imported.stderr, /4\.2 MB disk/);
  const amiId = imported.stdout.trim();
  for (const format of ['qcow2', 'raw', 'vmdk', 'vhd', 'vhdx']) {
    const out = join(home.folder, `out.${format}`);
    const exported = await home.run(exportImage, [amiId, out]);
    assert.match(exported.stdout, new RegExp(`^${out} {2}[0-9]`));
    const back = join(home.folder, 'back.raw');
    await qemuImg('convert', '-O', 'raw', out, back);
    assert.ok((await readFile(back)).subarray(0, content.length).equals(content), format);
  }
  const again = join(home.folder, 'image');
  await home.run(exportImage, [amiId, again, '--format', 'vmdk']);
  assert.equal((await readFile(again)).subarray(0, 4).toString(), 'KDMV');

  assert.equal((await home.run(rm, [amiId])).stdout, `removed ${amiId}\n`);
  assert.match((await refusal(home.run(exportImage, [amiId, again]))).text, new RegExp(amiId));
});

test('a disk that cannot be an image is refused, and nothing is left of it', async () => {
  await using home = await openTestHome();
  const { file } = await makeDisk(home);
  const overlay = join(home.folder, 'overlay.qcow2');
  await qemuImg('create', '-f', 'qcow2', '-b', file, '-F', 'raw', overlay);
  const broken = join(home.folder, 'broken.qcow2');
  await qemuImg('create', '-f', 'qcow2', broken, '4M');
  await writeFile(broken, (await readFile(broken)).subarray(0, 100));
  for (const [given, message] of [
    [join(home.folder, 'none.qcow2'), /none\.qcow2/],
    [home.folder, /not a regular file/],
    [overlay, /Flatten it first/],
    [broken, /broken\.qcow2/],
  ] as const) {
    const { exitCode, text } = await refusal(home.run(importImage, [given, ...NAMED]));
    assert.notEqual(exitCode, 0);
    assert.match(text, message);
    assert.doesNotMatch(text, /\bat .*\.ts:/);
  }
  const left = await readdir(home.home.images, { recursive: true }).catch(() => []);
  assert.deepEqual(
    left.filter((name) => /\.qcow2$|\.raw$/.test(name)),
    [],
  );
});

test('an export that cannot be written leaves what was there', async () => {
  await using home = await openTestHome();
  const { file } = await makeDisk(home);
  const amiId = (await home.run(importImage, [file, ...NAMED])).stdout.trim();
  const missing = join(home.folder, 'no', 'such', 'folder', 'out.qcow2');
  assert.match((await refusal(home.run(exportImage, [amiId, missing]))).text, /no\/such\/folder/);
  assert.notEqual((await refusal(home.run(exportImage, [amiId, home.folder, '--format', 'raw']))).exitCode, 0);
  assert.ok((await stat(home.folder)).isDirectory());
});

const UNKNOWN: readonly (readonly [what: string, command: Command, argv: readonly string[], message: RegExp])[] = [
  ['run of an AMI', run, ['ami-00000000000000000'], /ami-00000000000000000/],
  ['export of an AMI', exportImage, ['ami-00000000000000000', 'x.qcow2'], /ami-00000000000000000/],
  ['rm of an AMI', rm, ['ami-00000000000000000'], /there is no AMI ami-0/],
  ['run of a name', run, ['web'], /neither an AMI id nor an image ARN/],
];

for (const [what, command, argv, message] of UNKNOWN) {
  test(`${what} that is not there says so`, async () => {
    await using home = await openTestHome();
    const { exitCode, text } = await refusal(home.run(command, argv));
    assert.ok(exitCode === 2 || exitCode === 1);
    assert.match(text, message);
  });
}

test('run, export, logs and rm of an image that is not there say so', async () => {
  await using service = await openTestService();
  const arn = `arn:aws:imagebuilder:us-east-1:${service.service.accountId}:image/none/1.0.0/1`;
  for (const [command, argv] of [
    [run, [arn]],
    [exportImage, [arn, 'x.qcow2']],
    [logs, [arn]],
    [rm, [arn]],
  ] as const) {
    const { exitCode, text } = await refusal(runCommand(command, argv, service.config));
    assert.equal(exitCode, 2, text);
    assert.match(text, /^kiln: ResourceNotFoundException: .*image\/none\/1\.0\.0\/1/);
  }
  for (const argv of [['none'], ['arn:aws:s3:::bucket']]) {
    const { exitCode, text } = await refusal(runCommand(logs, argv, service.config));
    assert.equal(exitCode, 2, text);
  }
});
