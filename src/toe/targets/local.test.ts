import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { describeTarget } from '../target.suite.ts';
import { RebootRefusedError } from '../target.ts';
import { localTarget } from './local.ts';

const environment = { PATH: process.env['PATH'] ?? '', HOME: tmpdir() };

describeTarget('local', {
  makeTarget: async () => ({ target: localTarget({ environment, cwd: tmpdir() }), release: async () => {} }),
  bigStreamBytes: 1024 ** 3,
});

test('the local machine is never rebooted', async () => {
  const target = localTarget({ environment, cwd: tmpdir() });
  await assert.rejects(target.reboot(new AbortController().signal), RebootRefusedError);
});

test('a missing working directory is told from a missing program', async () => {
  const target = localTarget({ environment, cwd: tmpdir() });
  let message = '';
  const exit = await target.run({
    argv: ['true'],
    cwd: '/no/such/folder',
    signal: new AbortController().signal,
    onStderr: (chunk) => {
      message += chunk.toString();
    },
  });
  assert.equal(exit.code, 126);
  assert.match(message, /\/no\/such\/folder/);
});

test('an input stream that fails ends the command', async () => {
  const target = localTarget({ environment, cwd: tmpdir() });
  const stdin = new Readable({
    read() {
      this.destroy(new Error('source broke'));
    },
  });
  await assert.rejects(target.run({ argv: ['cat'], stdin, signal: new AbortController().signal }), /source broke/);
});
