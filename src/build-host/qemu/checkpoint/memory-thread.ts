/** What a thread of memory-stream.ts runs: one transfer between a socket and a file. What it throws is the thread's `error`. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { readFrames, writeFrames } from './memory-frames.ts';

export interface MemoryTask {
  /** `receive` listens, says so by a message, and takes one connection. */
  readonly task: 'receive' | 'send';
  readonly socket: string;
  readonly file: string;
}

const { task, socket, file } = workerData as MemoryTask;
if (task === 'receive') {
  const server = createServer().listen(socket);
  await once(server, 'listening');
  parentPort?.postMessage('listening');
  const [connection] = (await once(server, 'connection')) as [Socket];
  server.close();
  await writeFrames(connection, file);
} else {
  const connection = connect(socket);
  await once(connection, 'connect');
  await readFrames(file, connection);
}
