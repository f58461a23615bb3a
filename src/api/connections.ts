import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Once `closing` is aborted, ends every connection on which no request is being answered, those on which nothing was
 * ever asked and those that are still shaking hands included; Node's closeIdleConnections leaves the latter two open.
 */
export function endUnusedConnections(
  server: Server,
  closing: AbortSignal,
  onConnections: (count: number) => void,
): void {
  /** Connections as TCP knows them. Under TLS, those whose handshake is done are not in here. */
  const waiting = new Map<string, Socket>();
  const requests = new Map<Socket, number>();
  let open = 0;
  const endIfUnused = (socket: Socket): void => {
    if (closing.aborted && requests.get(socket) === 0) socket.destroySoon();
  };
  const track = (socket: Socket): void => {
    requests.set(socket, 0);
    socket.once('close', () => requests.delete(socket));
    endIfUnused(socket);
  };
  const encrypted = 'setSecureContext' in server;
  server.on('connection', (socket) => {
    onConnections(++open);
    const key = `${socket.remoteAddress} ${socket.remotePort}`;
    socket.once('close', () => {
      onConnections(--open);
      if (waiting.get(key) === socket) waiting.delete(key);
    });
    if (!encrypted) track(socket);
    else if (closing.aborted) socket.destroy();
    else waiting.set(key, socket);
  });
  server.on('secureConnection', (socket: Socket) => {
    // The two sockets of a connection have the same peer.
    waiting.delete(`${socket.remoteAddress} ${socket.remotePort}`);
    track(socket);
  });
  server.on('request', ({ socket }, response) => {
    requests.set(socket, (requests.get(socket) ?? 0) + 1);
    response.once('close', () => {
      const answering = requests.get(socket);
      if (answering === undefined) return;
      requests.set(socket, answering - 1);
      endIfUnused(socket);
    });
  });
  closing.addEventListener('abort', () => {
    for (const socket of waiting.values()) socket.destroy();
    for (const socket of requests.keys()) endIfUnused(socket);
  });
}
