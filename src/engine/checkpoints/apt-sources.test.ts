import assert from 'node:assert/strict';
import { test } from 'node:test';
import { indexesOfSources } from './apt-sources.ts';

const read = (name: string, text: string): readonly string[] | undefined => indexesOfSources(new Map([[name, text]]));

const MAIN = 'http://mirror.example/debian/dists/bookworm/InRelease';

for (const [what, name, text, indexes] of [
  ['a line', 'sources.list', 'deb http://mirror.example/debian bookworm main contrib\n', [MAIN]],
  [
    'options, sources, a comment',
    'sources.list',
    'deb [arch=amd64 signed-by=/x.gpg] http://mirror.example/debian/ bookworm main # ours\n# deb http://no.example x main\ndeb-src http://mirror.example/debian bookworm main\n',
    [MAIN],
  ],
  [
    'suites with slashes',
    'sources.list',
    'deb https://mirror.example/debian-security bookworm/updates main\n',
    ['https://mirror.example/debian-security/dists/bookworm/updates/InRelease'],
  ],
  [
    'a stanza with several suites',
    'sources.list.d/debian.sources',
    '# made by hand\nTypes: deb deb-src\nURIs: http://mirror.example/debian\nSuites: bookworm-updates\n bookworm\nComponents: main\nSigned-By:\n -----BEGIN PGP\n .\n abc\n',
    ['http://mirror.example/debian/dists/bookworm-updates/InRelease', MAIN],
  ],
  [
    'a stanza that is off',
    'x.sources',
    'Enabled: no\nTypes: deb\nURIs: http://a.example\nSuites: x\nComponents: main\n',
    [],
  ],
  ['nothing', 'sources.list', '\n', []],
] as const) {
  test(`${what} says where the indexes are`, () => assert.deepEqual(read(name, text), indexes.toSorted()));
}

for (const [what, name, text] of [
  ['a method of a mirror', 'sources.list', 'deb mirror+file:/etc/apt/mirrors.txt bookworm main\n'],
  ['a disk', 'sources.list', 'deb cdrom:[Debian]/ bookworm main\n'],
  ['a suite that is a path', 'sources.list', 'deb http://mirror.example/repo ./\n'],
  ['a variable of apt', 'sources.list', 'deb http://mirror.example/$(ARCH) bookworm main\n'],
  ['a line of another kind', 'sources.list', 'rpm http://mirror.example x\n'],
  ['a stanza without a suite', 'x.sources', 'Types: deb\nURIs: http://a.example\n'],
  ['a stanza that is none', 'x.sources', 'what is this\n'],
] as const) {
  test(`${what} is left to apt`, () => assert.equal(read(name, text), undefined));
}
