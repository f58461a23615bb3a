import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseDeb822Sources, parseOneLineSources, readAptSources } from './apt-sources.ts';
import { chooseArchive, formatSources } from './debian-archive.ts';

test('one-line sources are read with their options, without comments and source packages', () => {
  const text = `# deb http://commented.example/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/k.gpg] http://mirror.example/debian bookworm main contrib # ours
deb-src http://mirror.example/debian bookworm main
  deb http://security.example/debian-security bookworm-security main
`;
  assert.deepEqual(parseOneLineSources(text), [
    {
      uris: ['http://mirror.example/debian'],
      suites: ['bookworm'],
      components: ['main', 'contrib'],
      signedBy: '/usr/share/keyrings/k.gpg',
    },
    { uris: ['http://security.example/debian-security'], suites: ['bookworm-security'], components: ['main'] },
  ]);
});

test('deb822 sources are read with continued fields; disabled ones and keys written out are passed over', () => {
  const text = `Types: deb deb-src
# a comment in between
URIs: http://mirror.example/debian
Suites: bookworm
 bookworm-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb-src
URIs: http://src.example/debian
Suites: bookworm
Components: main
`;
  assert.deepEqual(parseDeb822Sources(text), [
    { uris: ['http://mirror.example/debian'], suites: ['bookworm', 'bookworm-updates'], components: ['main'] },
  ]);
});

test('a list of mirrors in a file is followed, as Debian’s cloud images have it', async () => {
  const etcApt = await mkdtemp(join(tmpdir(), 'kiln-apt-'));
  try {
    await mkdir(join(etcApt, 'sources.list.d'));
    await writeFile(join(etcApt, 'mirrors'), '# nearest\nhttps://mirror.example/debian\n');
    await writeFile(
      join(etcApt, 'sources.list.d', 'debian.sources'),
      `Types: deb\nURIs: mirror+file://${etcApt}/mirrors\nSuites: trixie\nComponents: main\n`,
    );
    assert.equal(chooseArchive('bookworm', await readAptSources(etcApt)).mainUri, 'https://mirror.example/debian');
  } finally {
    await rm(etcApt, { recursive: true });
  }
});

test('a machine without package sources uses the default mirrors', async () => {
  const archive = chooseArchive('bookworm', await readAptSources('/no/such/folder'));
  assert.deepEqual(archive, {
    suite: 'bookworm',
    mainUri: 'http://deb.debian.org/debian',
    securityUri: 'http://deb.debian.org/debian-security',
    origin: 'default',
  });
});

test('this machine’s mirrors serve other releases too, and archives of others are not taken for Debian', () => {
  const sources = [
    { uris: ['https://download.example/linux/debian'], suites: ['bookworm'], components: ['stable'] },
    { uris: ['http://apt.example/pub/repos/apt'], suites: ['bookworm-pgdg'], components: ['main'] },
    { uris: ['http://user:secret@private.example/debian'], suites: ['bookworm'], components: ['main'] },
    { uris: ['file:///srv/debian'], suites: ['bookworm'], components: ['main'] },
    { uris: ['http://mirror.example/debian/'], suites: ['bookworm', 'bookworm-updates'], components: ['main'] },
    { uris: ['http://security.debian.org/'], suites: ['bookworm-security'], components: ['main'] },
  ];
  assert.deepEqual(chooseArchive('trixie', sources), {
    suite: 'trixie',
    mainUri: 'http://mirror.example/debian',
    securityUri: 'http://security.debian.org',
    origin: 'this machine',
  });
});

test('an image gets the release, its updates and its security fixes', () => {
  const text = formatSources(chooseArchive('bookworm', []), '/keys.gpg');
  const suites = parseDeb822Sources(text).flatMap((source) => source.suites);
  assert.deepEqual(suites, ['bookworm', 'bookworm-updates', 'bookworm-security']);
  assert.ok(parseDeb822Sources(text).every((source) => source.signedBy === '/keys.gpg'));
});
