import { connect, type Socket } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** A connection to a server that answers one request after the other; much cheaper than Node's own client. */
export class Connection {
  readonly #socket: Socket;
  #text = '';
  #resolve: ((answer: Answer) => void) | undefined;
  #reject: ((error: Error) => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      this.#text += chunk;
      this.#settle();
    });
    const fail = (error: Error): void => this.#reject?.(error);
    socket.on('error', fail);
    socket.on('close', () => fail(new Error('the server closed the connection')));
  }

  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port }, () => resolve(new Connection(socket)));
      socket.once('error', reject);
    });
  }

  /** Sends a request as it stands. The next one may follow when this one is answered. */
  send(request: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#socket.write(request, 'latin1');
    });
  }

  close(): void {
    this.#reject = undefined;
    this.#socket.destroy();
  }

  #settle(): void {
    const end = this.#text.indexOf('\r\n\r\n');
    if (end === -1) return;
    const head = this.#text.slice(0, end).toLowerCase();
    const start = end + 4;
    const length = /\r\ncontent-length: ([0-9]+)/.exec(head)?.[1];
    let body: string;
    if (length === undefined) {
      const last = this.#text.indexOf('0\r\n\r\n', start);
      if (last === -1) return;
      body = unchunk(this.#text.slice(start, last));
    } else {
      if (this.#text.length < start + Number(length)) return;
      body = this.#text.slice(start, start + Number(length));
    }
    this.#text = '';
    this.#resolve?.({ status: Number(head.slice(9, 12)), body });
  }
}

function unchunk(text: string): string {
  let body = '';
  let at = 0;
  while (at < text.length) {
    const line = text.indexOf('\r\n', at);
    const size = Number.parseInt(text.slice(at, line), 16);
    body += text.slice(line + 2, line + 2 + size);
    at = line + 4 + size;
  }
  return body;
}
