import type { FailureKind } from '../../util/faults.ts';

/** What went wrong, for people who decide what to do next. */
export type FailureClass =
  | FailureKind
  | 'script error'
  | 'package not found'
  | 'network'
  | 'disk full'
  | 'out of memory'
  | 'too many processes'
  | 'missing prerequisite'
  | 'definition';

interface ClassRule {
  readonly class: FailureClass;
  /** What programs say of it, each as it is printed by a tool that people use in components. */
  readonly signs: readonly RegExp[];
  readonly tryNext: string;
}

/**
 * Signs in output, the most telling first: a full disk also makes package managers say that they cannot fetch, and a name
 * that cannot be resolved also makes them say that a package is not there.
 */
export const OUTPUT_RULES: readonly ClassRule[] = [
  {
    class: 'disk full',
    signs: [
      /No space left on device/i,
      /\bENOSPC\b/,
      /You don't have enough free space/,
      /Disk quota exceeded/,
      /At least \d+\s?[KMG]B more space needed/,
      /not enough (?:free )?disk space|insufficient (?:disk )?space/i,
      /write error: disk full/i,
    ],
    tryNext: 'Give the recipe a larger root volume (blockDeviceMappings), or remove files in an earlier step.',
  },
  {
    class: 'too many processes',
    signs: [
      /fork: (?:retry: )?Resource temporarily unavailable/,
      /\bCannot fork\b/,
      /can't start new thread|unable to create (?:new )?native thread/,
    ],
    tryNext: 'Find what starts processes without end, or have fewer of them at a time (make -j, xargs -P).',
  },
  {
    class: 'out of memory',
    signs: [
      /Out of memory: Killed process/,
      /\boom-kill\b|\boom_reaper\b/,
      /Cannot allocate memory|\bENOMEM\b/,
      /std::bad_alloc|java\.lang\.OutOfMemoryError|\bMemoryError\b/,
      /JavaScript heap out of memory/,
      /(?:virtual )?memory exhausted/,
      /fatal error: runtime: out of memory/,
    ],
    tryNext: 'Name an instance type with more memory in the infrastructure configuration.',
  },
  {
    class: 'network',
    signs: [
      /(?:Could not|unable to) resolve|Temporary failure (?:in name resolution|resolving)|Name or service not known/i,
      /getaddrinfo (?:EAI_AGAIN|ENOTFOUND)|\bEAI_AGAIN\b|server misbehaving|no such host/,
      /Connection (?:timed out|refused|reset by peer)|Network is unreachable|No route to host/i,
      /curl: \((?:5|6|7|18|28|35|52|55|56|92)\)/,
      /Failed to connect to \S+ port \d+|Unable to connect to \S+/i,
      /\b(?:ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH)\b/,
      /Cannot initiate the connection to|Unable to establish SSL connection|TLS handshake timeout/i,
      /SSL certificate problem|certificate verify failed|x509: certificate/i,
      /Failed to fetch .*(?:5\d\d|Connection)|Cannot download repomd\.xml|All mirrors were tried/,
      /Read timed out|Max retries exceeded with url/,
    ],
    tryNext:
      'See whether the guest reaches that host: its name, the proxy, the firewall of the worker; a mirror may be down.',
  },
  {
    class: 'package not found',
    signs: [
      /Unable to locate package|has no installation candidate|Couldn't find any package by/,
      /No package \S+ available|Unable to find a match|No match for argument/,
      /nothing provides|No candidates found|Package '.*' not found|not found in package names/,
      /unable to select packages|\(no such package\)/,
      /No matching distribution found|Could not find a version that satisfies the requirement/,
      /npm (?:ERR!|error) (?:code E404|404)|npm (?:ERR!|error) notarget/,
      /Could not find gem|Could not find a valid gem/,
      /Unable to find package|error: target not found/,
      /Version '.*' for '.*' was not found/,
    ],
    tryNext: 'Check the name and the version, and refresh the package index (apt-get update) in the same step.',
  },
];

/** Of failures that their kind of error tells, not their output. */
export const ADVICE: Readonly<Record<FailureClass, string>> = {
  ...(Object.fromEntries(OUTPUT_RULES.map((rule) => [rule.class, rule.tryNext])) as Record<
    (typeof OUTPUT_RULES)[number]['class'],
    string
  >),
  'script error': 'Read the lines of the step in the log, and try the command with `kiln toe run`.',
  timeout: 'Raise timeoutSeconds of the step, or find what it waits for in the log.',
  'guest lost':
    'Read the last console lines in the log: the guest may have crashed, shut itself down or run out of memory.',
  stopped: 'Whoever said STOP may have given a reason; mend what it names, then go on with RetryImage or build again.',
  'function failed':
    'Read what the function or the state machine said in the log; the image itself may have nothing to do with it.',
  'missing prerequisite': 'Install or configure on the worker what is missing, then build again.',
  'builder fault': 'Put the worker in order, then build again; the definitions are not to blame.',
  definition: 'Mend the definition that the message names, then build again.',
};
