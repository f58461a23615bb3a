import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { insertImage } from '../state/test-rows.ts';
import { openTestStore } from '../state/test-store.ts';
import { byVersion } from './lists.ts';
import { type Call, componentData, testService, token } from './test-service.ts';

function createInfrastructure(call: Call, name: string) {
  return call.CreateInfrastructureConfiguration({ name, instanceProfileName: 'profile', ...token() });
}

async function createAll(call: Call, count: number): Promise<string[]> {
  const names = Array.from({ length: count }, (_, index) => `infra-${index}`);
  for (const name of names) await createInfrastructure(call, name);
  return names;
}

describe('lists', () => {
  it('have pages of 25, or of maxResults, and a token as long as there is more', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const names = await createAll(call, 26);
    const page = async (request: { maxResults?: number; nextToken?: string }) => {
      const { infrastructureConfigurationSummaryList = [], nextToken } =
        await call.ListInfrastructureConfigurations(request);
      return { names: infrastructureConfigurationSummaryList.map(({ name }) => name), nextToken };
    };
    const first = await page({});
    assert.deepEqual(first.names, names.slice(0, 25));
    const rest = await page({ nextToken: first.nextToken ?? '' });
    assert.deepEqual(rest, { names: names.slice(25), nextToken: undefined });
    // The size of a page may change from page to page; exactly full is not more.
    const ten = await page({ maxResults: 10 });
    assert.deepEqual(await page({ maxResults: 16, nextToken: ten.nextToken ?? '' }), {
      names: names.slice(10),
      nextToken: undefined,
    });
  });

  it('skip and repeat nothing while things are created and deleted between pages', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    await createAll(call, 6);
    const seen: (string | undefined)[] = [];
    let nextToken: string | undefined;
    let round = 0;
    do {
      const page = await call.ListInfrastructureConfigurations({
        maxResults: 2,
        ...(nextToken === undefined ? {} : { nextToken }),
      });
      seen.push(...(page.infrastructureConfigurationSummaryList ?? []).map(({ name }) => name));
      nextToken = page.nextToken;
      if (round === 0) {
        const [arn = ''] = (page.infrastructureConfigurationSummaryList ?? []).map((summary) => summary.arn);
        await call.DeleteInfrastructureConfiguration({ infrastructureConfigurationArn: arn });
        await createInfrastructure(call, 'late');
      }
      round += 1;
    } while (nextToken !== undefined);
    assert.deepEqual(seen, ['infra-0', 'infra-1', 'infra-2', 'infra-3', 'infra-4', 'infra-5', 'late']);
  });

  it('page through versions in their order', async () => {
    await using store = await openTestStore();
    const { call, service } = testService(store);
    const component = { name: 'page', platform: 'Linux' as const, data: componentData() };
    for (const semanticVersion of ['10.0.0', '2.0.0', '1.20.0', '1.3.0']) {
      await call.CreateComponent({ ...component, semanticVersion, ...token() });
    }
    for (const major of [11, 5]) await insertImage(service.db, { major });
    await insertImage(service.db, { slug: 'a' });
    const allPages = async <Page extends { nextToken?: string | undefined }>(
      list: (request: { maxResults: number; nextToken?: string }) => Promise<Page>,
      itemsOf: (page: Page) => readonly { name?: string | undefined; version?: string | undefined }[] | undefined,
    ) => {
      const found: string[] = [];
      let page = await list({ maxResults: 1 });
      for (;;) {
        found.push(...(itemsOf(page) ?? []).map(({ name, version }) => `${name} ${version}`));
        if (page.nextToken === undefined) return found;
        page = await list({ maxResults: 1, nextToken: page.nextToken });
      }
    };
    assert.deepEqual(await allPages(call.ListComponents, (page) => page.componentVersionList), [
      'page 1.3.0',
      'page 1.20.0',
      'page 2.0.0',
      'page 10.0.0',
    ]);
    assert.deepEqual(await allPages(call.ListImages, (page) => page.imageVersionList), [
      'a 1.0.0',
      'web 5.0.0',
      'web 11.0.0',
    ]);
    const byName = (request: object) => call.ListImages({ ...request, byName: true });
    assert.deepEqual(await allPages(byName, (page) => page.imageVersionList), ['a 1.0.0', 'web 11.0.0']);
  });

  it('look for matches of a filter beyond the page', async () => {
    await using store = await openTestStore();
    const { call, service } = testService(store);
    for (let build = 1; build <= 120; build += 1) {
      await insertImage(service.db, { build, platform: build % 60 === 0 ? 'macOS' : 'Linux' });
    }
    const filters = [{ name: 'platform', values: ['macOS'] }];
    const first = await call.ListImageBuildVersions({ filters, maxResults: 1 });
    assert.deepEqual(
      first.imageSummaryList?.map(({ version }) => version),
      ['1.0.0/60'],
    );
    const second = await call.ListImageBuildVersions({ filters, maxResults: 1, nextToken: first.nextToken ?? '' });
    assert.deepEqual(
      second.imageSummaryList?.map(({ version }) => version),
      ['1.0.0/120'],
    );
    assert.equal(second.nextToken, undefined);
  });

  it('refuse tokens that were made up, for other parameters or for another list', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    await createAll(call, 2);
    const { nextToken = '' } = await call.ListInfrastructureConfigurations({ maxResults: 1 });
    const refused = { name: 'InvalidPaginationTokenException' };
    const filters = [{ name: 'name', values: ['infra-0'] }];
    await assert.rejects(call.ListInfrastructureConfigurations({ nextToken: 'made-up' }), refused);
    await assert.rejects(call.ListInfrastructureConfigurations({ nextToken, filters }), refused);
    await assert.rejects(call.ListDistributionConfigurations({ nextToken }), refused);
  });

  it('refuse filters that they do not have, without a name or without values', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const refused = { name: 'InvalidParameterValueException', message: /filters\[0\]/ };
    for (const filter of [
      { name: 'status', values: ['x'] },
      { values: ['x'] },
      { name: 'name' },
      { name: 'toString', values: ['x'] },
    ]) {
      await assert.rejects(call.ListInfrastructureConfigurations({ filters: [filter] }), refused);
    }
  });
});

describe('version filters', () => {
  it('match nodes as numbers, wildcards, and builds when there is one', () => {
    const has = byVersion<{ version: string; build?: number }>((row) => row);
    assert.ok(has({ version: '1.10.0' }, '1.x.x'));
    assert.ok(has({ version: '1.10.0' }, '1.10.0'));
    assert.ok(has({ version: '01.10.0' }, '1.10.0'));
    assert.ok(has({ version: '1.10.0', build: 3 }, '1.10.0/3'));
    assert.ok(!has({ version: '1.10.0', build: 3 }, '1.10.0/4'));
    assert.ok(!has({ version: '1.10.0' }, '1.1'));
    assert.ok(!has({ version: '0.0.0' }, '..'));
    assert.ok(!has({ version: '1.10.0' }, '2.x.x'));
  });
});
