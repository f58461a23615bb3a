/** The service's operations on a real database, behind the real API: for clients of other people. */
import { Imagebuilder } from '@aws-sdk/client-imagebuilder';
import { type ApiFixture, apiFixture, CREDENTIAL, REGION } from '../../src/api/api.fixture.ts';
import { operationHandlers } from '../../src/resources/operations.ts';
import { requestChecks } from '../../src/resources/request-checks.ts';
import type { Service } from '../../src/resources/service.ts';
import { testService } from '../../src/resources/test-service.ts';
import type { Store } from '../../src/state/open-store.ts';

export const ARN_PREFIX = `arn:aws:imagebuilder:${REGION}:${CREDENTIAL.accountId}:`;
export const PARENT_IMAGE = `arn:aws:imagebuilder:${REGION}:aws:image/debian-server-12-x86/x.x.x`;

export interface ServedOperations extends AsyncDisposable {
  readonly service: Service;
  readonly fixture: ApiFixture;
  /** AWS's client, which does not try again. */
  readonly sdk: Imagebuilder;
  /** Names of the operations that the client has called: `CreateImage`. */
  readonly called: ReadonlySet<string>;
}

/** No worker takes the builds, so they add up. */
const PLENTY = { concurrentBuilds: 1_000_000, imagePipelines: 1_000_000 };

/** Store and fixture stay the caller's to close: first what this gives, then the store. */
export async function serveOperations(
  store: Store,
  ports: Partial<Pick<Service, 'amis'>> = {},
): Promise<ServedOperations> {
  const { service } = testService(store, {}, PLENTY, { ...ports, region: REGION });
  const fixture = apiFixture({
    operations: operationHandlers(service),
    checkRequest: requestChecks(service),
    requestRate: { perSecond: 100_000, burst: 100_000 },
  });
  const { accessKeyId, secretAccessKey } = CREDENTIAL;
  const sdk = new Imagebuilder({
    endpoint: (await fixture.listen()).url,
    region: REGION,
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: 1,
  });
  const called = new Set<string>();
  sdk.middlewareStack.add(
    (next, context) => (args) => {
      called.add(String(context.commandName).replace('Command', ''));
      return next(args);
    },
    { step: 'initialize' },
  );
  return {
    service,
    fixture,
    sdk,
    called,
    [Symbol.asyncDispose]: async () => {
      sdk.destroy();
      await fixture[Symbol.asyncDispose]();
    },
  };
}

export const WORKFLOW = `
name: check
description: Launches an instance and ends it.
schemaVersion: 1.0
parameters:
  - name: size
    type: integer
    default: 3
steps:
  - name: Launch
    action: LaunchInstance
    inputs:
      waitFor: ssmAgent
  - name: End
    action: TerminateInstance
    inputs:
      instanceId.$: $.stepOutputs.Launch.instanceId
`;

export const DOCKERFILE = [
  'FROM {{{ imagebuilder:parentImage }}}',
  '{{{ imagebuilder:environments }}}',
  '{{{ imagebuilder:components }}}',
].join('\n');

/** A policy of a lifecycle that nothing is wrong with. */
export const LIFECYCLE_RULES = {
  executionRole: 'lifecycle',
  resourceType: 'AMI_IMAGE' as const,
  policyDetails: [
    {
      action: { type: 'DELETE' as const, includeResources: { amis: true, snapshots: true } },
      filter: { type: 'AGE' as const, value: 6, unit: 'MONTHS' as const, retainAtLeast: 2 },
    },
  ],
  resourceSelection: { recipes: [{ name: 'web', semanticVersion: '1.x.x' }] },
};
