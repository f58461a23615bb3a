import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPainter } from './painter.ts';

/** As much of a terminal as the painter uses: what would be on the screen, and whether the cursor shows. */
function screen() {
  let lines: string[] = [''];
  let row = 0;
  let column = 0;
  let cursor = true;
  let written = 0;
  const write = (text: string): void => {
    written++;
    for (const [token] of text.matchAll(/\u001b\[\??(\d*)([A-Za-z])|\n|\r|[^\u001b\n\r]+/g)) {
      const sequence = /^\u001b\[(\??)(\d*)([A-Za-z])$/.exec(token);
      if (token === '\n') {
        row++;
        column = 0;
        lines[row] ??= '';
      } else if (token === '\r') column = 0;
      else if (sequence?.[3] === 'A') row -= Number(sequence[2]);
      else if (sequence?.[3] === 'K') lines[row] = (lines[row] ?? '').slice(0, column);
      else if (sequence?.[3] === 'J') lines = [...lines.slice(0, row), (lines[row] ?? '').slice(0, column)];
      else if (sequence?.[2] === '25') cursor = sequence[3] === 'h';
      else if (sequence === null) {
        const line = lines[row] ?? '';
        lines[row] = line.slice(0, column) + token + line.slice(column + token.length);
        column += token.length;
      }
    }
  };
  return { write, shown: () => lines.join('\n'), cursor: () => cursor, written: () => written };
}

test('a block is drawn over in place, whether it grows or shrinks', () => {
  const { write, shown } = screen();
  const painter = createPainter(write);
  painter.paint(['one', 'a long second line']);
  painter.paint(['one', 'two', 'three']);
  assert.equal(shown(), 'one\ntwo\nthree\n');
  painter.paint(['1']);
  assert.equal(shown(), '1\n');
});

test('printed lines stay above the block', () => {
  const { write, shown } = screen();
  const painter = createPainter(write);
  painter.paint(['block', 'of two']);
  painter.print('said');
  assert.equal(shown(), 'said\nblock\nof two\n');
  painter.paint(['block']);
  assert.equal(shown(), 'said\nblock\n');
});

test('the cursor is hidden while the block is there, and shown again at the end, with the block gone', () => {
  const { write, shown, cursor } = screen();
  const painter = createPainter(write);
  painter.print('said');
  painter.paint(['block']);
  assert.equal(cursor(), false);
  painter.end();
  painter.end();
  painter.paint(['late']);
  assert.equal(cursor(), true);
  assert.equal(shown(), 'said\n');
});

test('a frame that looks the same is not written again', () => {
  const { write, written } = screen();
  const painter = createPainter(write);
  painter.paint(['same']);
  const before = written();
  painter.paint(['same']);
  assert.equal(written(), before);
});
