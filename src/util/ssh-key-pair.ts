import ssh2 from 'ssh2';

/** Text of both keys, private as OpenSSH's PEM, public as a line of `authorized_keys` without a comment. */
export interface SshKeyPair {
  readonly private: string;
  readonly public: string;
}

/** Length of a public key of type ssh-ed25519: two length words, the type's name and the 32 bytes of RFC 8709. */
const PUBLIC_BYTES = 4 + 'ssh-ed25519'.length + 4 + 32;

/**
 * A new ed25519 key pair.
 *
 * ssh2 1.17 drops the leading zero bytes of a public key, so that one pair in 256 is none: OpenSSH refuses to load it and
 * the machine that was given it can never be reached. Such pairs are thrown away.
 */
export function makeSshKeyPair(
  generate: () => SshKeyPair = () => ssh2.utils.generateKeyPairSync('ed25519'),
): SshKeyPair {
  for (;;) {
    const pair = generate();
    if (Buffer.from(pair.public.split(' ')[1] ?? '', 'base64').length === PUBLIC_BYTES) return pair;
  }
}
