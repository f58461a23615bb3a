/** Boots a disk under plain QEMU, as a person without Kiln would, and gives access to one port of the guest. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

export interface PlainGuest extends AsyncDisposable {
  /** Where the guest's port 80 is on this machine. */
  readonly url: string;
  /** Console output so far, for messages. */
  console(): string;
  /** Resolves when the process ended, so that a test need not wait for an answer that will never come. */
  readonly ended: Promise<unknown>;
}

/** The disk is not changed: writes go to a temporary file that QEMU removes. */
export async function bootPlainly(disk: string): Promise<PlainGuest> {
  const port = await freePort();
  const child = spawn(
    'qemu-system-x86_64',
    [
      ...['-m', '1024', '-smp', '1', '-accel', 'tcg,thread=multi', '-display', 'none', '-serial', 'stdio', '-snapshot'],
      ...['-drive', `file=${disk},if=virtio`],
      ...['-nic', `user,model=virtio-net-pci,hostfwd=tcp:127.0.0.1:${port}-:80`],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output = (output + chunk.toString('latin1')).slice(-20_000);
  });
  const ended = once(child, 'close');
  return {
    url: `http://127.0.0.1:${port}/`,
    console: () => output,
    ended,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  return address.port;
}
