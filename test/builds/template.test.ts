import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseComponent } from '../../src/documents/parse-component.ts';
import { bash, templateOf } from './template.ts';

test('the components of a made template are documents that Kiln takes', () => {
  const { Resources } = JSON.parse(templateOf({ name: 'made', components: { one: [bash('Run', ['true'])] } }));
  const { phases } = parseComponent(Resources.one.Properties.Data, 'one');
  assert.deepEqual(
    phases.map(({ steps }) => steps.map(({ name }) => name)),
    [['Run']],
  );
});
