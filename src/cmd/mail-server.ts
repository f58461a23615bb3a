import { readFileSync, statSync } from 'node:fs';
import { isLoopback } from '../events/endpoints.ts';
import type { MailServer } from '../notifications/mail.ts';
import { coerceError } from '../util/faults.ts';
import type { ProblemList } from '../util/problem-list.ts';
import { field, readInteger, readMap, readText, readWord } from '../util/yaml-reader.ts';
import type { YamlMap } from '../util/yaml-source.ts';

const SECURITY = ['tls', 'starttls', 'none'] as const;
const DEFAULT_PORTS = { tls: 465, starttls: 587, none: 25 } as const;

/**
 * `smtp` of config.yaml: `{host, from, port?, security?: tls|starttls|none, user?, passwordFile?}`. The password is in a
 * file that nobody else may read; without security nothing is sent but to this very machine.
 */
export function readMailServer(config: YamlMap, problems: ProblemList): MailServer | undefined {
  const node = field(config, 'smtp');
  if (node === undefined) return undefined;
  const keys = { required: ['host', 'from'], optional: ['port', 'security', 'user', 'passwordFile'] };
  const map = readMap(node, 'smtp', problems, keys);
  if (map === undefined) return undefined;
  const text = (name: string): string | undefined => {
    const value = field(map, name);
    return value === undefined ? undefined : readText(value, name, problems);
  };
  const host = text('host') ?? '';
  const securityNode = field(map, 'security');
  const security =
    securityNode === undefined ? 'tls' : (readWord(securityNode, 'security', SECURITY, problems) ?? 'tls');
  if (security === 'none' && !isLoopback(host)) {
    problems.add(node.position, 'smtp without security must be on this very machine: 127.0.0.1, ::1 or localhost.');
  }
  const user = text('user');
  const passwordFile = text('passwordFile');
  if ((user === undefined) !== (passwordFile === undefined)) {
    problems.add(node.position, 'user and passwordFile of smtp must be given together.');
  }
  const portNode = field(map, 'port');
  const port = portNode === undefined ? undefined : readInteger(portNode, 'port', problems);
  if (port !== undefined && (port < 1 || port > 65_535)) {
    problems.add(node.position, 'port of smtp must be from 1 to 65535.');
  }
  const password = passwordFile === undefined ? undefined : readPassword(passwordFile, node.position, problems);
  return {
    ...{ host, port: port ?? DEFAULT_PORTS[security], from: text('from') ?? '' },
    ...{ secure: security === 'tls', requireTls: security === 'starttls' },
    ...{ user, password },
  };
}

function readPassword(file: string, position: YamlMap['position'], problems: ProblemList): string {
  try {
    if ((statSync(file).mode & 0o077) !== 0) {
      problems.add(position, `${file} can be read by others: chmod 600 mends it.`);
    }
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    problems.add(position, `${file} cannot be read: ${coerceError(error).message}`);
    return '';
  }
}
