/** A service for tests: a real database and queue, a small catalogue, and a clock that the test moves. */
import { AwsError } from '../contract/errors.ts';
import { parseWorkflow } from '../documents/parse-workflow.ts';
import type { Store } from '../state/open-store.ts';
import { operationHandlers } from './operations.ts';
import { type Quotas, quotasWith } from './quota-table.ts';
import type { ManagedWorkflow, PageTokens, ParentImage, ParentImages, Service } from './service.ts';

export const DEBIAN: ParentImage = {
  name: 'debian-server-12-x86',
  version: '2026.11.23',
  platform: 'Linux',
  osVersion: 'Debian 12',
  description: 'Debian 12 (bookworm)',
};
export const DEBIAN_ARN = 'arn:aws:imagebuilder:us-east-1:aws:image/debian-server-12-x86/x.x.x';
export const WINDOWS: ParentImage = {
  ...DEBIAN,
  name: 'windows-server-2025-x86',
  platform: 'Windows',
  osVersion: undefined,
};
export const IMPORTED_AMI = 'ami-0123456789abcdef0';
export const ARN_PREFIX = 'arn:aws:imagebuilder:us-east-1:123456789012:';
export const AT = new Date('2026-11-23T10:00:00.123Z');

const parentImages: ParentImages = {
  managed: (name) => [DEBIAN, WINDOWS].find((image) => image.name === name),
  listManaged: () => [WINDOWS, DEBIAN],
  ami: async (amiId) =>
    amiId === IMPORTED_AMI ? { ...DEBIAN, name: 'imported', madeBy: undefined, isOfCatalog: false } : undefined,
};

const MANAGED_TEXT = `
name: build-image
description: Builds.
schemaVersion: 1.0
steps:
  - name: Launch
    action: LaunchInstance
    inputs:
      waitFor: ssmAgent
`;
export const MANAGED_WORKFLOWS: readonly ManagedWorkflow[] = [
  {
    arn: 'arn:aws:imagebuilder:us-east-1:aws:workflow/build/build-image/1.0.0/1',
    text: MANAGED_TEXT,
    document: parseWorkflow({ file: 'build-image', text: MANAGED_TEXT, type: 'BUILD' }),
  },
];

const pageTokens: PageTokens = {
  seal: (payload) => `sealed-${Buffer.from(JSON.stringify(payload)).toString('base64url')}`,
  open: (token) => {
    if (!token.startsWith('sealed-')) throw new AwsError('InvalidPaginationTokenException', 'Not one of ours.');
    return JSON.parse(Buffer.from(token.slice('sealed-'.length), 'base64url').toString());
  },
};

/** `uris` are the documents that `readUri` finds. */
export function testService(
  store: Store,
  uris: Readonly<Record<string, string>> = {},
  quotas: Partial<Quotas> = {},
  ports: Partial<
    Pick<
      Service,
      'amis' | 'checkpoints' | 'db' | 'pageTokens' | 'region' | 'parentImages' | 'managedWorkflows' | 'clock'
    >
  > = {},
) {
  const service: Service = {
    db: store.db,
    clock: { now: () => AT },
    accountId: '123456789012',
    homeAccountId: '123456789012',
    region: 'us-east-1',
    parentImages,
    managedWorkflows: MANAGED_WORKFLOWS,
    amis: { remove: async () => {} },
    checkpoints: { hasForRetry: async () => false },
    jobs: store.jobs,
    readUri: async (uri) => {
      const text = Object.hasOwn(uris, uri) ? uris[uri] : undefined;
      if (text === undefined) throw new AwsError('InvalidParameterValueException', `'${uri}' cannot be read.`);
      return text;
    },
    pageTokens,
    quotas: quotasWith(quotas),
    ...ports,
  };
  return { service, ...bind(service) };
}

export type Call = ReturnType<typeof bind>['call'];

/** The operations as a user of an account calls them, whose own policies allow everything. */
export function bind(service: Service, { accountId = service.accountId, user = '' } = {}) {
  const handlers = operationHandlers(service);
  const caller = {
    accountId,
    principalArn: `arn:aws:iam::${accountId}:${user === '' ? 'root' : `user/${user}`}`,
    context: new Map([['aws:sourceip', ['127.0.0.1']]]),
    requestId: '-',
  };
  type Bound = {
    [Name in keyof typeof handlers]: (
      input: Parameters<(typeof handlers)[Name]>[0],
    ) => ReturnType<(typeof handlers)[Name]>;
  };
  const bound = Object.entries(handlers).map(([name, handler]) => [name, (input: never) => handler(input, caller)]);
  return { call: Object.fromEntries(bound) as Bound };
}

let tokens = 0;
/** A client token that no other request of this process has. */
export function token(): { clientToken: string } {
  return { clientToken: `token-${++tokens}` };
}

/** A component document that does nothing but print `text`. */
export function componentData(text = 'hello', phase = 'build', parameters = ''): string {
  return [
    'schemaVersion: 1.0',
    'name: test',
    'description: test',
    parameters,
    'phases:',
    `  - name: ${phase}`,
    '    steps:',
    '      - name: Say',
    '        action: ExecuteBash',
    '        inputs:',
    '          commands:',
    `            - echo ${text}`,
  ]
    .filter((line) => line !== '')
    .join('\n');
}
