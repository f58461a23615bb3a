import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { access, mkdir, readdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ExportFormat } from '../image-store.ts';
import { detectFormat } from './detect-format.ts';
import { importSmall, MIB, qemuImg, storeFixture, writeRawDisk } from './store.fixture.ts';
import { openImageStore } from './store.ts';

const FORMATS: Readonly<Record<ExportFormat, string>> = {
  qcow2: 'qcow2',
  raw: 'raw',
  vmdk: 'vmdk',
  vhd: 'vpc',
  vhdx: 'vhdx',
};

for (const [format, detected] of Object.entries(FORMATS) as [ExportFormat, string][]) {
  test(`what is exported as ${format} is detected by its content, and imported it has the same content`, async () => {
    await using fixture = await storeFixture();
    const raw = join(fixture.folder, 'original');
    const original = await writeRawDisk(raw, 8);
    const request = { name: 'x', platform: 'Linux', source: 'import' } as const;
    const image = await fixture.store.import({ ...request, file: raw }, fixture.context);
    // A colon would be a protocol to qemu-img, a comma an option.
    const folder = join(fixture.folder, 'nbd:a,b');
    await mkdir(folder);
    const file = join(folder, 'out: of, it');
    const { bytes } = await fixture.store.export(image.amiId, file, format, fixture.context);
    assert.ok(bytes > MIB && bytes < 8 * MIB, `sparse: ${bytes}`);
    assert.equal(await detectFormat(file), detected);
    assert.deepEqual(await readdir(folder), ['SHA256SUMS', 'out: of, it']);

    const again = await fixture.store.import({ ...request, file }, fixture.context);
    assert.equal(again.virtualSize, 8 * MIB);
    const back = join(fixture.folder, 'back.raw');
    await fixture.store.export(again.amiId, back, 'raw', fixture.context);
    assert.ok((await readFile(back)).equals(original));
  });
}

test('an exported qcow2 stands alone and is compressed with zstd', async () => {
  await using fixture = await storeFixture();
  const image = await importSmall(fixture);
  const file = join(fixture.folder, 'out.qcow2');
  await fixture.store.export(image.amiId, file, 'qcow2', fixture.context);
  const info = JSON.parse(qemuImg('info', '--output=json', file));
  assert.equal(info['backing-filename'], undefined);
  assert.equal(info['format-specific'].data['compression-type'], 'zstd');
});

test('an exported VMDK is of the kind that other products import', async () => {
  await using fixture = await storeFixture();
  const image = await importSmall(fixture);
  const file = join(fixture.folder, 'out.vmdk');
  await fixture.store.export(image.amiId, file, 'vmdk', fixture.context);
  const info = JSON.parse(qemuImg('info', '--output=json', file));
  assert.equal(info['format-specific'].data['create-type'], 'streamOptimized');
});

test('a fixed VHD is told from a raw disk by its end', async () => {
  await using fixture = await storeFixture();
  const raw = join(fixture.folder, 'disk.raw');
  await writeRawDisk(raw);
  const vhd = join(fixture.folder, 'disk.vhd');
  qemuImg('convert', '-f', 'raw', '-O', 'vpc', '-o', 'subformat=fixed,force_size=on', raw, vhd);
  assert.equal(await detectFormat(vhd), 'vpc');
  const image = await fixture.store.import(
    { file: vhd, name: 'x', platform: 'Linux', source: 'import' },
    fixture.context,
  );
  assert.equal(image.virtualSize, 4 * MIB);
});

test('an export replaces a file as a whole and keeps the old one when it fails', async () => {
  await using fixture = await storeFixture();
  const image = await importSmall(fixture);
  const file = join(fixture.folder, 'out.raw');
  await writeFile(file, 'old');
  const aborted = AbortSignal.abort(new Error('stop'));
  await assert.rejects(fixture.store.export(image.amiId, file, 'raw', { ...fixture.context, signal: aborted }), /stop/);
  assert.equal(await readFile(file, 'utf8'), 'old');
  await fixture.store.export(image.amiId, file, 'raw', fixture.context);
  assert.equal((await stat(file)).size, 4 * MIB);
});

test('an export removes what a killed export to the same name left, and other files never', async () => {
  await using fixture = await storeFixture();
  const image = await importSmall(fixture);
  const leftover = '.out.raw.999999999-1-0123456789ab.partial';
  await writeFile(join(fixture.folder, leftover), 'half');
  await writeFile(join(fixture.folder, '.out.raw.mine.partial'), 'mine');
  await fixture.store.export(image.amiId, join(fixture.folder, 'out.raw'), 'raw', fixture.context);
  const names = await readdir(fixture.folder);
  assert.ok(!names.includes(leftover));
  assert.ok(names.includes('.out.raw.mine.partial'));
});

test('an export to a folder that does not exist says so', async () => {
  await using fixture = await storeFixture();
  const image = await importSmall(fixture);
  await assert.rejects(fixture.store.export(image.amiId, join(fixture.folder, 'no/out'), 'raw', fixture.context), {
    name: 'BuilderFault',
    message: /folder to write to does not exist/,
  });
});

const secret = 'root:x:0:0:a secret of this machine\n'.repeat(100);

const REFUSED: Readonly<
  Record<string, { readonly make: (file: string, other: string) => void | Promise<void>; readonly why: RegExp }>
> = {
  'an overlay on another file': {
    make: (file, other) => void qemuImg('create', '-q', '-f', 'qcow2', '-b', other, '-F', 'raw', file),
    why: /overlay on another file/,
  },
  'a qcow2 with its data in another file': {
    make: (file, other) =>
      void qemuImg('create', '-q', '-f', 'qcow2', '-o', `data_file=${other}.data,data_file_raw=on`, file, '1M'),
    why: /data is in another file/,
  },
  'a VMDK description that names other files': {
    make: (file, other) =>
      writeFile(
        file,
        `# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\ncreateType="monolithicFlat"\nRW 8 FLAT "${other}" 0\n`,
      ),
    why: /data is in other files/,
  },
  'a sparse VMDK that is only a description': {
    make: async (file, other) => {
      const header = Buffer.alloc(2_048);
      header.write('KDMV');
      header.writeUInt32LE(1, 4);
      header.write(`# Disk DescriptorFile\nRW 8 FLAT "${other}" 0\n`, 512);
      await writeFile(file, header);
    },
    why: /data is in other files/,
  },
  text: { make: (file) => writeFile(file, 'hello '.repeat(1_000)), why: /not a disk that Kiln knows/ },
  nothing: { make: (file) => writeFile(file, ''), why: /not a disk that Kiln knows/ },
  'a folder': { make: (file) => mkdir(file).then(() => {}), why: /not a regular file/ },
  'an encrypted disk': {
    make: async (file) => {
      qemuImg('create', '-q', '-f', 'qcow2', file, '1M');
      const content = await readFile(file);
      // The field crypt_method of the header: the old AES.
      content.writeUInt32BE(1, 32);
      await writeFile(file, content);
    },
    why: /encrypted/,
  },
  'a disk that claims to be larger than any': {
    make: async (file) => void qemuImg('create', '-q', '-f', 'qcow2', '-o', 'cluster_size=2M', file, '20T'),
    why: /at most 16384 GiB/,
  },
};

for (const [what, { make, why }] of Object.entries(REFUSED)) {
  test(`${what} is not imported`, async () => {
    await using fixture = await storeFixture();
    const other = join(fixture.folder, 'other');
    await writeFile(other, secret);
    const file = join(fixture.folder, 'evil');
    await make(file, other);
    const request = { file, name: 'evil', platform: 'Linux', source: 'import' } as const;
    await assert.rejects(fixture.store.import(request, fixture.context), { name: 'BuilderFault', message: why });
    assert.deepEqual(await fixture.store.list(), []);
    assert.deepEqual(await readdir(join(fixture.storeFolder, 'disks')), []);
    assert.deepEqual(await readdir(join(fixture.storeFolder, 'temporary')), []);
  });
}

test('a disk whose content is cut off is not imported', async () => {
  await using fixture = await storeFixture();
  const image = await importSmall(fixture);
  const file = join(fixture.folder, 'cut.vmdk');
  await fixture.store.export(image.amiId, file, 'vmdk', fixture.context);
  await truncate(file, 100_000);
  const request = { file, name: 'cut', platform: 'Linux', source: 'import' } as const;
  await assert.rejects(fixture.store.import(request, fixture.context), { name: 'BuilderFault' });
  assert.equal((await fixture.store.list()).length, 1);
});

test('an import that is stopped while it copies leaves nothing', async () => {
  await using fixture = await storeFixture();
  const file = join(fixture.folder, 'disk.raw');
  await writeRawDisk(file);
  const stop = new AbortController();
  const monitor = { line: () => stop.abort(new Error('the user stopped it')) };
  const request = { file, name: 'x', platform: 'Linux', source: 'import' } as const;
  await assert.rejects(fixture.store.import(request, { signal: stop.signal, monitor }), {
    message: 'the user stopped it',
  });
  assert.deepEqual(await fixture.store.list(), []);
  assert.deepEqual(await readdir(join(fixture.storeFolder, 'temporary')), []);
});

test('a file that is missing is named', async () => {
  await using fixture = await storeFixture();
  const request = { file: '/no/such/disk', name: 'x', platform: 'Linux', source: 'import' } as const;
  await assert.rejects(fixture.store.import(request, fixture.context), { message: /does not exist/ });
});

test('a link to a disk is followed', async () => {
  await using fixture = await storeFixture();
  const raw = join(fixture.folder, 'disk.raw');
  await writeRawDisk(raw);
  await symlink(raw, join(fixture.folder, 'link'));
  await fixture.store.import(
    { file: join(fixture.folder, 'link'), name: 'x', platform: 'Linux', source: 'import' },
    fixture.context,
  );
  await access(raw);
});

test('a full disk is named, and neither image nor file is left', async (t) => {
  await using fixture = await storeFixture();
  const small = join(fixture.folder, 'small');
  await mkdir(small);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', small], { stdio: 'ignore' });
  } catch {
    t.skip('this user may not mount a small file system');
    return;
  }
  try {
    const store = await openImageStore({ folder: join(small, 'images') });
    const file = join(fixture.folder, 'big.raw');
    await writeRawDisk(file, 8, 6);
    const full = { name: 'BuilderFault', message: /no space left/ };
    const request = { file, name: 'big', platform: 'Linux', source: 'import' } as const;
    await assert.rejects(store.import(request, fixture.context), full);
    assert.deepEqual(await store.list(), []);
    assert.deepEqual(await readdir(join(small, 'images', 'disks')), []);
    assert.deepEqual(await readdir(join(small, 'images', 'temporary')), []);

    const image = await fixture.store.import(request, fixture.context);
    for (const format of Object.keys(FORMATS) as ExportFormat[]) {
      await assert.rejects(
        fixture.store.export(image.amiId, join(small, 'out'), format, fixture.context),
        full,
        format,
      );
      assert.deepEqual(await readdir(small), ['images'], format);
    }
  } finally {
    execFileSync('umount', [small]);
  }
});
