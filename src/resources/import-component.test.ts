import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseComponent } from '../documents/parse-component.ts';
import { openTestStore } from '../state/test-store.ts';
import { ARN_PREFIX, testService, token } from './test-service.ts';

const SCRIPT = '#!/bin/sh\nset -eu\n\necho "{{ .Name }}: # not a comment"\n\techo \'ü\'\n';
const IMPORT = {
  name: 'script',
  semanticVersion: '1.0.0',
  type: 'TEST' as const,
  format: 'SHELL' as const,
  platform: 'Linux' as const,
  data: SCRIPT,
};

describe('imported components', () => {
  it('run the script unchanged, as one step of the phase that their type says', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const made = await call.ImportComponent({ ...IMPORT, ...token() });
    assert.equal(made.componentBuildVersionArn, `${ARN_PREFIX}component/script/1.0.0/1`);
    assert.equal('latestVersionReferences' in made, false);
    const { component } = await call.GetComponent({ componentBuildVersionArn: made.componentBuildVersionArn ?? '' });
    assert.equal(component?.type, 'TEST');
    const { phases } = parseComponent(component?.data ?? '', 'script');
    assert.deepEqual(
      phases.map(({ name, steps }) => [name, steps.length]),
      [['test', 1]],
    );
    assert.ok(JSON.stringify(phases).includes(JSON.stringify(SCRIPT).slice(1, -1)));
    const again = await call.ImportComponent({ ...IMPORT, description: 'new', ...token() });
    assert.equal(again.componentBuildVersionArn, `${ARN_PREFIX}component/script/1.0.0/2`);
    await assert.rejects(call.ImportComponent({ ...IMPORT, description: 'new', ...token() }), {
      name: 'ResourceAlreadyExistsException',
    });
    await assert.rejects(call.ImportComponent({ ...IMPORT, uri: 's3://b/k', ...token() }), {
      name: 'InvalidParameterCombinationException',
    });
  });
});
