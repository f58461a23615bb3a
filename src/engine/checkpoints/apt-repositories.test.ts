import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import type { Target, TargetCommand } from '../../toe/target.ts';
import { localTarget } from '../../toe/targets/local.ts';
import { aptRepositories } from './apt-repositories.ts';

const never = new AbortController().signal;

/** A machine that answers the first command with the first of the answers, and so on. */
function answering(...answers: readonly (readonly [code: number, stdout: string])[]): Target & { asked: number } {
  const target = {
    os: 'linux',
    name: 'answers',
    asked: 0,
    run: async ({ onStdout }: TargetCommand) => {
      const [code, stdout] = answers[target.asked++] ?? [127, ''];
      onStdout?.(Buffer.from(stdout));
      return { code };
    },
  };
  return target as unknown as Target & { asked: number };
}

const LISTS =
  '\x1esources.list\ndeb http://a.example/debian bookworm main\n\x1esources.list.d/b.list\ndeb http://b.example x y\n';
const BOTH = ['http://a.example/debian/dists/bookworm/InRelease', 'http://b.example/dists/x/InRelease'];

test('lists are read, and apt is not asked', async () => {
  const target = answering([0, LISTS]);
  assert.deepEqual(await aptRepositories(target, never), BOTH);
  assert.equal(target.asked, 1);
});

for (const [what, first] of [
  ['whose configuration names other places', [3, '']],
  ['whose lists say what only apt understands', [0, '\x1esources.list\ndeb cdrom:[x]/ y z\n']],
] as const) {
  test(`of a machine ${what} apt is asked`, async () => {
    const target = answering(first, [0, `${BOTH.join('\n')}\nfile:/x/dists/y/InRelease\n`]);
    assert.deepEqual(await aptRepositories(target, never), BOTH);
  });
}

test('one with a password is not told of, whoever was asked', async () => {
  const secret = 'https://user:s3cr3t@c.example/debian';
  const lists = answering([0, `${LISTS}\x1esources.list.d/c.list\ndeb ${secret} z main\n`]);
  assert.deepEqual(await aptRepositories(lists, never), BOTH);
  const apt = answering([3, ''], [0, `${BOTH.join('\n')}\n${secret}/dists/z/InRelease\n`]);
  assert.deepEqual(await aptRepositories(apt, never), BOTH);
});

test('a machine without apt has none', async () => {
  assert.deepEqual(await aptRepositories(answering([0, '']), never), []);
});

test('on this machine they are what apt says', async () => {
  const target = localTarget({ environment: { PATH: process.env['PATH'] ?? '' }, cwd: '/' });
  const format = '$(REPO_URI)dists/$(RELEASE)/InRelease';
  const said = execFileSync('apt-get', ['indextargets', '--format', format], { encoding: 'utf8' }).split('\n');
  const expected = [...new Set(said)].filter((line) => /^https?:/.test(line)).toSorted();
  assert.deepEqual(await aptRepositories(target, never), expected);
});
