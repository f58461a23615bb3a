import assert from 'node:assert/strict';
import { test } from 'node:test';
import ssh2 from 'ssh2';
import { makeSshKeyPair, type SshKeyPair } from './ssh-key-pair.ts';

test('a pair whose public key lost its leading zero is thrown away', () => {
  // As ssh2 1.17.0 made it.
  const short = {
    private: 'not used',
    public: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAH77xosWMxkW947eLKkRFFqslHhPU7xxz0iBZ9yaLmII=',
  };
  const whole = ssh2.utils.generateKeyPairSync('ed25519');
  const full: SshKeyPair = { ...whole, public: `ssh-ed25519 ${blob(Buffer.alloc(32, 1)).toString('base64')}` };
  const made = [short, full];
  assert.equal(
    makeSshKeyPair(() => made.shift() as SshKeyPair),
    full,
  );
});

test('the keys belong together', () => {
  const pair = makeSshKeyPair();
  const key = ssh2.utils.parseKey(pair.private);
  const other = ssh2.utils.parseKey(pair.public);
  assert.ok(!(key instanceof Error) && !(other instanceof Error));
  assert.equal(other.verify('signed', key.sign('signed')), true);
});

function blob(key: Buffer): Buffer {
  const name = Buffer.from('ssh-ed25519');
  const length = (bytes: Buffer): Buffer => {
    const word = Buffer.alloc(4);
    word.writeUInt32BE(bytes.length);
    return word;
  };
  return Buffer.concat([length(name), name, length(key), key]);
}
