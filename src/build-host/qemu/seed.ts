import { randomBytes } from 'node:crypto';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FILES } from './instance-record.ts';
import { type QemuPrograms, runProgram } from './programs.ts';

export interface SeedContent {
  readonly instanceId: string;
  /** The public key that may log in as root, one line of `authorized_keys`. */
  readonly userPublicKey: string;
  /** The host key that the guest's sshd uses, so that it is known before the first connection. */
  readonly hostKey: { readonly private: string; readonly public: string };
  /** What the user wrote, unchanged; cloud-init finds out what it is. */
  readonly userData: Uint8Array | undefined;
}

/**
 * Writes the NoCloud seed of an instance into its folder: a CD image that cloud-init finds by its label. The user's
 * data is the seed's user data, byte by byte; what Kiln needs goes beside it as vendor data, so that nothing of the
 * user's has to be taken apart or merged. (docs/decisions/050-what-an-instance-is-told.md)
 */
export async function writeSeed(
  folder: string,
  content: SeedContent,
  programs: QemuPrograms,
  signal: AbortSignal,
): Promise<void> {
  const files = join(folder, 'seed');
  await mkdir(files, { mode: 0o700 });
  const write = (name: string, data: string | Uint8Array): Promise<void> =>
    writeFile(join(files, name), data, { mode: 0o600 });
  await write('meta-data', metaData(content.instanceId));
  await write('vendor-data', vendorData(content));
  await write('user-data', content.userData ?? '#cloud-config\n{}\n');
  const options = ['-quiet', '-input-charset', 'utf-8', '-volid', 'CIDATA', '-joliet', '-rock', '-output', FILES.seed];
  await runProgram(programs, 'genisoimage', [...options, 'seed'], { cwd: folder, signal });
  // It holds the guest's private host key.
  await chmod(join(folder, FILES.seed), 0o600);
  await rm(files, { recursive: true });
}

/** JSON is YAML: no value can break out of its place. */
export function metaData(instanceId: string): string {
  return `${JSON.stringify({ 'instance-id': instanceId, 'local-hostname': instanceId })}\n`;
}

/**
 * Two parts. A boothook puts the login key in place: unlike `ssh_authorized_keys` in a cloud-config, user data that
 * sets the same key or `disable_root` cannot undo it. A cloud-config sets the host key.
 */
export function vendorData(content: Pick<SeedContent, 'userPublicKey' | 'hostKey'>): string {
  const config = {
    ssh_keys: { ed25519_private: content.hostKey.private, ed25519_public: content.hostKey.public },
  };
  const boundary = `kiln-${randomBytes(12).toString('hex')}`;
  return [
    'MIME-Version: 1.0',
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    '',
    ...part(boundary, 'text/cloud-boothook', boothook(content.userPublicKey)),
    ...part(boundary, 'text/cloud-config', `#cloud-config\n${JSON.stringify(config)}\n`),
    `--${boundary}--`,
    '',
  ].join('\n');
}

function part(boundary: string, type: string, body: string): readonly string[] {
  return [`--${boundary}`, `Content-Type: ${type}; charset="utf-8"`, '', body];
}

/** Runs early in every boot, so it must do nothing the second time. */
function boothook(publicKey: string): string {
  const key = publicKey.trim();
  if (!/^ssh-ed25519 [A-Za-z0-9+/=]+$/.test(key)) throw new TypeError('not a public key');
  // By the comment the clean-up before a capture knows the line, whatever else it is told to keep.
  const line = `${key} kiln-build`;
  return `#!/bin/sh
umask 077
mkdir -p /root/.ssh
grep -qxF '${line}' /root/.ssh/authorized_keys 2>/dev/null || echo '${line}' >> /root/.ssh/authorized_keys
`;
}
