import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MachineImage } from '../image-store/image-store.ts';
import { BuildFailure } from '../util/faults.ts';
import { type NamingFacts, outputAmiOf, outputAmiRecord } from './output-ami.ts';

const facts: NamingFacts = {
  imageArn: 'arn:image',
  buildNumber: 7,
  now: new Date('2026-11-23T09:05:03.120Z'),
  takenNames: new Set(['taken']),
};

function nameFor(name: string): string {
  return outputAmiOf({ name: 'web' }, { region: 'us-east-1', amiDistributionConfiguration: { name } }, facts).name;
}

test('without a distribution the AMI is named after the recipe and the time', () => {
  assert.deepEqual(outputAmiOf({ name: 'web', amiTags: { A: '1' } }, undefined, facts), {
    name: 'web 2026-11-23T09-05-03.120Z',
    description: undefined,
    tags: { CreatedBy: 'EC2 Image Builder', Ec2ImageBuilderArn: 'arn:image', A: '1' },
  });
});

test('the AMI is described by the distribution, or else by the recipe', () => {
  const recipe = { name: 'web', description: 'The web server.' };
  assert.equal(outputAmiOf(recipe, undefined, facts).description, 'The web server.');
  const settings = { region: 'us-east-1', amiDistributionConfiguration: { description: 'Of March.' } };
  assert.equal(outputAmiOf(recipe, settings, facts).description, 'Of March.');
});

test('the AMI belongs to the account of its image', () => {
  const ami = { amiId: 'ami-1', name: 'web', source: 'arn:aws:imagebuilder:us-east-1:999999999999:image/web/1.0.0/1' };
  const record = outputAmiRecord({ region: 'us-east-1', accountId: '123456789012' }, ami as MachineImage);
  assert.equal(record.accountId, '999999999999');
});

test('variables in names and tags are replaced, with and without blanks', () => {
  assert.equal(
    nameFor('web {{ imagebuilder:buildDate }} {{imagebuilder:buildVersion}}'),
    'web 2026-11-23T09-05-03.120Z 7',
  );
  const settings = { amiTags: { Day: "{{imagebuilder:buildDate:yyyy-MM-dd'T'HHmmss.SSS}}" }, description: 'x' };
  const ami = outputAmiOf({ name: 'web' }, { region: 'us-east-1', amiDistributionConfiguration: settings }, facts);
  assert.equal(ami.tags['Day'], '2026-11-23T090503.120');
  assert.equal(ami.description, 'x');
});

test('a name that is taken gets the time appended', () => {
  assert.equal(nameFor('taken'), 'taken 2026-11-23T09-05-03.120Z');
});

test('unknown variables and date patterns fail the build by name', () => {
  assert.throws(() => nameFor('{{ imagebuilder:colour }}'), BuildFailure);
  assert.throws(() => nameFor('{{ imagebuilder:buildDate:EEE }}'), /Unknown date pattern 'EEE'/);
});
