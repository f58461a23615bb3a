/** Where `kiln serve` can be reached beside this machine's own address, from its options. */
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import type { Endpoint, TlsKeys } from '../api/listen.ts';
import { parsePolicy } from '../iam/parse-policy.ts';
import { type CommandArguments, type CommandOption, UsageError } from './command.ts';
import type { Config } from './config.ts';
import { loadCertificate, ownCertificate } from './tls-certificate.ts';

export const ENDPOINT_OPTIONS: Readonly<Record<string, CommandOption>> = {
  listen: { type: 'string', value: 'ADDRESS:PORT', help: 'listen there too; beyond this machine with --tls only' },
  tls: { type: 'boolean', help: 'HTTPS at --listen, or at the port; makes a certificate when none is given' },
  cert: { type: 'string', value: 'FILE', help: 'certificate chain for --tls, PEM' },
  key: { type: 'string', value: 'FILE', help: 'its private key, PEM' },
  'plain-http': { type: 'boolean', help: 'let --listen go beyond this machine without encryption' },
  socket: { type: 'string', value: 'PATH', help: 'listen on a Unix socket too, for this user only' },
  'endpoint-policy': { type: 'string', value: 'FILE', help: 'IAM policy of --listen, --tls and --socket' },
};

interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Empty when the options ask for none. @throws UsageError, BuilderFault, InvalidDocumentError */
export async function readEndpoints(
  args: CommandArguments,
  config: Config,
  signal: AbortSignal,
): Promise<readonly Endpoint[]> {
  const address = listenAddress(args, config);
  const socket = args.text('socket');
  const policyFile = args.text('endpoint-policy');
  if (policyFile !== undefined && address === undefined && socket === undefined) {
    throw new UsageError('--endpoint-policy needs --listen, --tls or --socket: it is the policy of that endpoint');
  }
  const policy =
    policyFile === undefined ? {} : { policy: parsePolicy(await readFile(policyFile, 'utf8'), policyFile, 'endpoint') };
  const tls = await tlsKeys(args, address, config, signal);
  return [
    ...(address === undefined ? [] : [{ place: address, ...policy, ...(tls === undefined ? {} : { tls }) }]),
    ...(socket === undefined ? [] : [{ place: { socketPath: resolve(socket) }, ...policy }]),
  ];
}

function listenAddress(args: CommandArguments, config: Config): ListenAddress | undefined {
  const text = args.text('listen');
  const secure = args.flag('tls');
  if (text === undefined) return secure ? { host: '127.0.0.1', port: config.port } : undefined;
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+)):([0-9]{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? '';
  const port = Number(digits);
  if (isIP(host) === 0 || port > 65_535) {
    throw new UsageError(`--listen takes an IP address and a port, such as 10.0.0.5:${config.port} or [::]:443`);
  }
  const local = /^127\./.test(host) || host === '::1';
  if (!local && !secure && !args.flag('plain-http')) {
    throw new UsageError(
      `--listen ${text} goes beyond this machine: add --tls; or --plain-http, and everything but secrets can be read on the way`,
    );
  }
  return { host, port };
}

async function tlsKeys(
  args: CommandArguments,
  address: ListenAddress | undefined,
  config: Config,
  signal: AbortSignal,
): Promise<TlsKeys | undefined> {
  const [certificate, key] = [args.text('cert'), args.text('key')];
  if ((certificate === undefined) !== (key === undefined)) throw new UsageError('--cert and --key go together');
  if (!args.flag('tls')) {
    if (certificate !== undefined) throw new UsageError('--cert and --key need --tls');
    return undefined;
  }
  if (certificate !== undefined && key !== undefined) return await loadCertificate(certificate, key);
  const every = address?.host === '0.0.0.0' || address?.host === '::';
  return await ownCertificate(config.home.tls, address === undefined || every ? [] : [address.host], signal);
}
