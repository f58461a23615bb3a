import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

/** Speaks as much SMTP as a client needs, without TLS; `answers` replaces what it says to a command. */
export async function openMailServer(answers: Readonly<Record<string, string>> = {}) {
  const mails: string[] = [];
  const recipients: string[] = [];
  const waiting: (() => void)[] = [];
  const server = createServer((socket: Socket) => {
    let rest = '';
    let mail: string | undefined;
    const say = (line: string): void => void socket.write(`${line}\r\n`);
    say('220 test ESMTP');
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      const lines = (rest + chunk.toString()).split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (mail !== undefined) {
          if (line === '.') {
            mails.push(mail);
            for (const resolve of waiting.splice(0)) resolve();
            mail = undefined;
            say('250 taken');
          } else mail += `${line}\n`;
          continue;
        }
        const verb = line.slice(0, 4).toUpperCase();
        if (verb === 'RCPT') recipients.push(line);
        if (verb === 'DATA') mail = '';
        say(answers[verb] ?? { EHLO: '250 test', DATA: '354 go on', QUIT: '221 bye' }[verb] ?? '250 ok');
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async () => {
    server.close();
    await once(server, 'close');
  };
  /** Resolves when so many mails have come. */
  const count = async (wanted: number): Promise<void> => {
    while (mails.length < wanted) await new Promise<void>((resolve) => waiting.push(resolve));
  };
  return { port: (server.address() as AddressInfo).port, mails, recipients, count, [Symbol.asyncDispose]: close };
}
