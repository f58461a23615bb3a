import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import { test } from 'node:test';
import { readConsole } from './console.ts';

async function linesOf(...chunks: (string | Buffer)[]): Promise<string[]> {
  const stream = new PassThrough();
  const lines: string[] = [];
  readConsole(stream, (line) => lines.push(line));
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  await finished(stream);
  stream.destroy();
  await new Promise((resolve) => setImmediate(resolve));
  return lines;
}

test('control sequences are taken out, lines come whole whatever the chunks', async () => {
  assert.deepEqual(await linesOf('\x1b[2J\x1b[01;01HSea', 'BIOS\r\n\r\n', '[\x1b[0;32m  OK  \x1b[0m] done\n'), [
    'SeaBIOS',
    '[  OK  ] done',
  ]);
});

test('characters that are cut in two by chunks arrive', async () => {
  const bytes = Buffer.from('é\n');
  assert.deepEqual(await linesOf(bytes.subarray(0, 1), bytes.subarray(1)), ['é']);
});

test('of a line that is written over, the last state counts', async () => {
  assert.deepEqual(await linesOf('10%\r50%\r100%\r\n'), ['100%']);
});

test('a last line without an end is told when the console closes', async () => {
  assert.deepEqual(await linesOf('grub> '), ['grub>']);
});

test('a line without end is cut, the last forty lines are kept', async () => {
  const stream = new PassThrough();
  let longest = 0;
  const log = readConsole(stream, (line) => {
    longest = Math.max(longest, line.length);
  });
  stream.write('x'.repeat(100_000));
  for (let line = 0; line < 100; line++) stream.write(`\n${line}`);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(longest, 4096);
  // The line that is not finished yet is part of what a console shows.
  assert.deepEqual(log.lastLines().slice(-2), ['98', '99']);
  assert.equal(log.lastLines().length, 41);
  stream.destroy();
});
