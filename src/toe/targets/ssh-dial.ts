import { connect as connectTcp, type Socket } from 'node:net';
import { Client } from 'ssh2';

export interface SshAddress {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  /** OpenSSH or PEM. */
  readonly privateKey: string;
  /** The only host key that is accepted, as in `known_hosts`: `ssh-ed25519 AAAA…`. */
  readonly hostKey: string;
}

/** Sent this often on an idle connection; so many without an answer and the machine is taken for gone. */
const KEEPALIVE_MS = 10_000;
const KEEPALIVE_COUNT = 6;
/** From the server's first words to the login. An emulated machine that is still booting needs seconds for the keys. */
const HANDSHAKE_MS = 30_000;

/**
 * One try to open a connection. `patienceMs` is how long the server may take for its first words: QEMU's forwarding
 * accepts connections long before the guest does, and such a connection often stays silent for ever.
 */
export async function dial(address: SshAddress, patienceMs: number): Promise<Client> {
  const socket = await speakingSocket(address, patienceMs);
  const client = new Client();
  // The `close` that follows an error is what the owner acts on; without a listener an error would end the process.
  client.on('error', () => {});
  await new Promise<void>((resolve, reject) => {
    let refusedHostKey = false;
    client.once('ready', resolve);
    client.once('error', (error) => {
      socket.destroy();
      reject(refusedHostKey ? new Error('its SSH host key is not the expected one', { cause: error }) : error);
    });
    client.once('close', () => reject(new Error('the connection was closed while logging in')));
    client.connect({
      sock: socket,
      username: address.username,
      privateKey: address.privateKey,
      hostVerifier: (key: Buffer) => {
        refusedHostKey = !key.equals(keyBytes(address.hostKey));
        return !refusedHostKey;
      },
      algorithms: { serverHostKey: ['ssh-ed25519'] },
      // Not first without a key, as is usual: an emulated machine takes its time for each refusal.
      authHandler: ['publickey'],
      keepaliveInterval: KEEPALIVE_MS,
      keepaliveCountMax: KEEPALIVE_COUNT,
      readyTimeout: HANDSHAKE_MS,
    });
  });
  return client;
}

function keyBytes(hostKey: string): Buffer {
  return Buffer.from(hostKey.trim().split(/\s+/)[1] ?? '', 'base64');
}

/** A connection on which the server has begun to speak; nothing of it is read. */
async function speakingSocket(address: SshAddress, patienceMs: number): Promise<Socket> {
  const socket = connectTcp({ host: address.host, port: address.port, noDelay: true });
  const spoke = Promise.withResolvers<void>();
  const timer = setTimeout(() => spoke.reject(new Error('its SSH port does not answer')), patienceMs);
  const onClose = (): void => spoke.reject(new Error('its SSH port closes connections'));
  // `readable` also announces the end of the stream.
  const onReadable = (): void => (socket.readableLength > 0 ? spoke.resolve() : onClose());
  socket.once('error', spoke.reject).once('close', onClose).once('readable', onReadable);
  try {
    await spoke.promise;
    return socket;
  } catch (error) {
    // The listener for errors stays: a socket that is being destroyed may still report one.
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    socket.off('close', onClose).off('readable', onReadable);
  }
}
