import { open } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';

/**
 * Connects to the unix socket `name` in `folder`. The path of a unix socket may have 107 bytes and a folder's path may
 * be longer: the kernel is given a path through our own descriptor of the folder.
 * Errors after the connection is made show as the socket's `close`.
 */
export async function connectInFolder(folder: string, name: string): Promise<Socket> {
  const handle = await open(folder, 'r');
  try {
    return await new Promise<Socket>((resolve, reject) => {
      const socket = connect(`/proc/self/fd/${handle.fd}/${name}`);
      socket.once('connect', () => resolve(socket));
      socket.on('error', reject);
    });
  } finally {
    await handle.close();
  }
}
