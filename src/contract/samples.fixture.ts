/** Strings for tests that satisfy or violate the patterns of the service model. */

export interface PatternSample {
  /** A string that matches; `size` asks for as many characters, which a pattern of fixed form cannot always give. */
  readonly inside: (size?: number) => string;
  readonly outside: string;
}

const UUID = '01234567-89ab-cdef-0123-456789abcdef';
const PREFIX = 'arn:aws:imagebuilder:us-east-1:123456789012:';

/** ARNs grow in their name. */
function arn(before: string, after: string, outside: string): PatternSample {
  const start = `${PREFIX}${before}`;
  return {
    inside: (size = 0) => `${start}${'a'.repeat(Math.max(1, size - start.length - after.length))}${after}`,
    outside,
  };
}

function fixed(inside: string, outside: string): PatternSample {
  return { inside: () => inside, outside };
}

function repeated(character: string, outside: string): PatternSample {
  return { inside: (size = 3) => character.repeat(size), outside };
}

const DEFINITION = '^arn:aws[^:]*:imagebuilder:[^:]+:(?:[0-9]{12}|aws):';
const BUILD = '[a-z0-9-_]+/[0-9]+\\.[0-9]+\\.[0-9]+/[0-9]+$';
const WILDCARDS = '(?:[0-9]+|x)\\.(?:[0-9]+|x)\\.(?:[0-9]+|x)$';
const ANY = '[a-z0-9-_]+/(?:(?:([0-9]+|x)\\.([0-9]+|x)\\.([0-9]+|x))|(?:[0-9]+\\.[0-9]+\\.[0-9]+/[0-9]+))$';
const COMPONENT = '^arn:aws[^:]*:imagebuilder:[^:]+:(?:[0-9]{12}|aws(?:-[a-z-]+)?|third-party):component/';
const IMAGE = '^arn:aws[^:]*:imagebuilder:[^:]+:(?:[0-9]{12}|aws(?:-[a-z-]+)?):image/';
const STRICT = '^arn:aws(?:-[a-z]+)*:imagebuilder:[a-z]{2,}(?:-[a-z]+)+-[0-9]+:';
const WORKFLOW = `${STRICT}(?:[0-9]{12}|aws(?:-[a-z-]+)?):workflow/(build|test|distribution)/`;
const EXECUTION = '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$';
const VERSION = '[0-9]+\\.[0-9]+\\.[0-9]+$';

/** By the text of the pattern. The strings outside are wrong in one place only. */
export const PATTERN_SAMPLES: Readonly<Record<string, PatternSample>> = {
  [`${IMAGE}${BUILD}`]: arn('image/', '/1.0.0/1', `${PREFIX}image/web/1.0.0`),
  [`${IMAGE}${ANY}`]: arn('image/', '/1.x.x', `${PREFIX}image/web/1.x.x/1`),
  [`${IMAGE}[a-z0-9-_]+/${VERSION}`]: arn('image/', '/1.0.0', `${PREFIX}image/web/x.x.x`),
  [`${COMPONENT}${BUILD}`]: arn('component/', '/1.0.0/1', `${PREFIX}component/web/1.0.0`),
  [`${COMPONENT}${ANY}`]: arn('component/', '/x.x.x', `${PREFIX}component/Web/x.x.x`),
  [`${COMPONENT}[a-z0-9-_]+/${VERSION}`]: arn('component/', '/1.0.0', `${PREFIX}component/web/1.0`),
  [`${WORKFLOW}${BUILD}`]: arn('workflow/build/', '/1.0.0/1', `${PREFIX}workflow/other/web/1.0.0/1`),
  [`${WORKFLOW}${ANY}`]: arn(
    'workflow/test/',
    '/x.x.x',
    'arn:aws:imagebuilder:local:123456789012:workflow/test/a/x.x.x',
  ),
  [`${WORKFLOW}[a-z0-9-_]+/${WILDCARDS}`]: arn('workflow/test/', '/1.0.x', `${PREFIX}workflow/test/web/1.0.0/1`),
  [`${DEFINITION}infrastructure-configuration/[a-z0-9-_]+$`]: arn(
    'infrastructure-configuration/',
    '',
    `${PREFIX}infrastructure-configuration/a b`,
  ),
  [`${DEFINITION}distribution-configuration/[a-z0-9-_]+$`]: arn(
    'distribution-configuration/',
    '',
    `${PREFIX}infrastructure-configuration/a`,
  ),
  [`${DEFINITION}image-pipeline/[a-z0-9-_]+$`]: arn('image-pipeline/', '', `${PREFIX}image-pipeline/a/1.0.0`),
  [`${DEFINITION}image-recipe/[a-z0-9-_]+/${WILDCARDS}`]: arn('image-recipe/', '/1.x.0', `${PREFIX}image-recipe/a/1.0`),
  [`${DEFINITION}container-recipe/[a-z0-9-_]+/${WILDCARDS}`]: arn(
    'container-recipe/',
    '/x.x.x',
    `${PREFIX}container-recipe/a/y.0.0`,
  ),
  [`${STRICT}(?:[0-9]{12}|aws):lifecycle-policy/[a-z0-9-_]+$`]: arn(
    'lifecycle-policy/',
    '',
    'arn:aws:imagebuilder:local:123456789012:lifecycle-policy/a',
  ),
  '^arn:aws[^:]*:imagebuilder:[^:]+:(?:[0-9]{12}|aws(?:-[a-z-]+)?|third-party):(?:image-recipe|container-recipe|infrastructure-configuration|distribution-configuration|component|image|image-pipeline|lifecycle-policy|workflow\\/(?:build|test|distribution))/[a-z0-9-_]+(?:/(?:(?:x|[0-9]+)\\.(?:x|[0-9]+)\\.(?:x|[0-9]+))(?:/[0-9]+)?)?$':
    arn('image-pipeline/', '', `${PREFIX}lifecycle-execution/a`),
  [`^lce-${EXECUTION}`]: fixed(`lce-${UUID}`, `lce-${UUID}0`),
  [`^wf-${EXECUTION}`]: fixed(`wf-${UUID}`, UUID),
  [`^step-${EXECUTION}`]: fixed(`step-${UUID}`, `step-${UUID.replace('f', 'g')}`),
  '^[-_A-Za-z-0-9][-_A-Za-z0-9 ]{1,126}[-_A-Za-z-0-9]$': repeated('a', `a${'b'.repeat(127)}c`),
  [`^${VERSION}`]: fixed('1.0.0', '1.0.x'),
  '^(?:[0-9]+|x)\\.(?:[0-9]+|x)\\.(?:[0-9]+|x)$': fixed('1.0.x', '1.0.xx'),
  '[^\\x00]+': repeated('a', 'a\0'),
  '[^\\x00]*': repeated('a', '\0'),
  '^(?!aws:)[a-zA-Z0-9\\s_.:/=+\\-@]*$': repeated('k', 'aws:k'),
  '^[-_A-Za-z0-9{][-_A-Za-z0-9\\s:{}\\.]+[-_A-Za-z0-9}]$': {
    inside: (size = 3) => 'n'.repeat(Math.max(3, size)),
    outside: 'n/n',
  },
  '^[0-9]{12}$': fixed('123456789012', '12345678901'),
  '^arn:aws[^:]*:organizations::[0-9]{12}:organization/o-[a-z0-9]{10,32}$': fixed(
    `arn:aws:organizations::123456789012:organization/o-${'a'.repeat(10)}`,
    `arn:aws:organizations::123456789012:organization/o-${'a'.repeat(9)}`,
  ),
  '^arn:aws[^:]*:organizations::[0-9]{12}:ou/o-[a-z0-9]{10,32}/ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}': fixed(
    `arn:aws:organizations::123456789012:ou/o-${'a'.repeat(10)}/ou-abcd-${'a'.repeat(8)}`,
    `arn:aws:organizations::123456789012:ou/o-${'a'.repeat(10)}/ou-abcd-${'a'.repeat(7)}`,
  ),
  '^arn:aws[^:]*:license-manager:[^:]+:[0-9]{12}:license-configuration:lic-[a-z0-9-_]{32}$': fixed(
    `arn:aws:license-manager:us-east-1:123456789012:license-configuration:lic-${'a'.repeat(32)}`,
    `arn:aws:license-manager:us-east-1:123456789012:license-configuration:lic-${'a'.repeat(33)}`,
  ),
  '^lt-[a-z0-9-_]{17}$': fixed(`lt-${'a'.repeat(17)}`, `lt-${'a'.repeat(16)}`),
  '^[a-zA-Z0-9_.\\-\\/]+$': repeated('p', 'p p'),
  '^[A-Za-z0-9][A-Za-z0-9-_+#]{0,99}$': repeated('g', '-g'),
  '^(?:arn:aws(?:-[a-z]+)*:iam::[0-9]{12}:role/)?[a-zA-Z_0-9+=,.@\\-_/]+$': repeated(
    'r',
    'arn:aws:iam::123456789012:user/r',
  ),
  '^[a-zA-Z0-9\\-_/\\.]{1,512}$': repeated('l', 'l l'),
  '[a-zA-Z0-9]{2,}(?:\\/[a-zA-Z0-9-_+]+)*': repeated('Z', 'Europe/'),
  '^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$': {
    // Four characters at a time, so the longest is one shorter than the length allows.
    inside: (size = 4) => 'A'.repeat(size - (size % 4)),
    outside: 'AAA',
  },
  "^[A-Za-z0-9()\\[\\]./'@_\\-][A-Za-z0-9 ()\\[\\]./'@_\\-]{1,126}[A-Za-z0-9()\\[\\]./'@_\\-]$": repeated('w', 'w*w'),
  '^[\\w+=,.@-]+$': repeated('i', 'i/i'),
  '^arn:aws[^:]*:sns:[^:]+:[0-9]{12}:[a-zA-Z0-9-_]{1,256}$': fixed(
    `arn:aws:sns:us-east-1:123456789012:${'t'.repeat(256)}`,
    `arn:aws:sns:us-east-1:123456789012:${'t'.repeat(257)}`,
  ),
  'optional|required': fixed('optional', 'maybe'),
  '^s3://[^/]+/.+[^/]$': { inside: (size = 0) => `s3://b/${'k'.repeat(Math.max(2, size - 7))}`, outside: 's3://b/k/' },
  '^[a-zA-Z]{1,1024}$': repeated('f', 'f1'),
  '^[0-9a-zA-Z./_ :,{}"-]{1,1024}$': repeated('v', 'v*'),
};
