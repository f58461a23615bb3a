/** A block of lines at the end of a terminal that is drawn over in place. */
export interface Painter {
  /** Replaces the block. Lines must fit into the terminal and have no line ends. */
  paint(lines: readonly string[]): void;
  /** Writes lines that stay, above the block. */
  print(text: string): void;
  /** Removes the block and shows the cursor again. May be called twice; painting later is ignored. */
  end(): void;
}

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
/** Terminals that know it show the frame at once; others ignore it. */
const BEGIN_FRAME = '\u001b[?2026h';
const END_FRAME = '\u001b[?2026l';
const CLEAR_TO_LINE_END = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

export function createPainter(write: (text: string) => void): Painter {
  let height = 0;
  let last: string | undefined;
  let ended = false;
  const toTop = (): string => (height === 0 ? '\r' : `\r\u001b[${height}A`);
  const draw = (above: string, lines: readonly string[]): void => {
    const body = lines.map((line) => `${line}${CLEAR_TO_LINE_END}\n`).join('');
    write(`${BEGIN_FRAME}${HIDE_CURSOR}${toTop()}${above}${body}${CLEAR_BELOW}${END_FRAME}`);
    height = lines.length;
  };
  let block: readonly string[] = [];
  return {
    paint(lines) {
      const text = lines.join('\n');
      if (ended || text === last) return;
      last = text;
      block = lines;
      draw('', lines);
    },
    print(text) {
      if (ended) return;
      draw(`${text.replaceAll('\n', `${CLEAR_TO_LINE_END}\n`)}${CLEAR_TO_LINE_END}\n`, block);
    },
    end() {
      if (ended) return;
      ended = true;
      write(`${toTop()}${CLEAR_BELOW}${SHOW_CURSOR}`);
    },
  };
}
