import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parsePattern } from './pattern.ts';

const EVENT = {
  version: '0',
  id: 'a3e2',
  'detail-type': 'EC2 Image Builder Image State Change',
  source: 'aws.imagebuilder',
  account: '123456789012',
  region: 'us-east-1',
  resources: ['arn:aws:imagebuilder:us-east-1:123456789012:image/web/1.0.0/1', 'arn:second'],
  detail: {
    'previous-state': { status: 'TESTING' },
    state: { status: 'AVAILABLE', reason: null },
    count: 5,
    empty: '',
    flag: true,
    none: [],
    address: '10.0.3.7',
    six: '2001:db8::7',
    path: 'dir/a*b\\c.txt',
    list: [
      { name: 'one', value: 1 },
      { name: 'two', value: 2 },
    ],
  },
};

const detail = (pattern: object) => ({ detail: pattern });

describe('event patterns', () => {
  const matching: readonly object[] = [
    { source: ['aws.imagebuilder'] },
    { source: ['aws.ec2', 'aws.imagebuilder'], account: ['123456789012'] },
    { resources: ['arn:second'] },
    { resources: [{ prefix: 'arn:aws:imagebuilder:us-east-1:123456789012:image/web/' }] },
    detail({ state: { status: ['FAILED', 'AVAILABLE'] } }),
    detail({ state: { reason: [null] } }),
    detail({ empty: [''], flag: [true], count: [5] }),
    detail({ state: { status: [{ prefix: 'AVAIL' }] } }),
    detail({ state: { status: [{ prefix: { 'equals-ignore-case': 'avail' } }] } }),
    detail({ state: { status: [{ suffix: 'ABLE' }] } }),
    detail({ state: { status: [{ suffix: { 'equals-ignore-case': 'able' } }] } }),
    detail({ state: { status: [{ 'equals-ignore-case': 'available' }] } }),
    detail({ state: { status: [{ 'anything-but': 'FAILED' }] } }),
    detail({ state: { status: [{ 'anything-but': ['FAILED', 'CANCELLED'] }] } }),
    detail({ state: { status: [{ 'anything-but': { prefix: 'FAIL' } }] } }),
    detail({ state: { status: [{ 'anything-but': { suffix: ['ED', 'ING'] } }] } }),
    detail({ state: { status: [{ 'anything-but': { 'equals-ignore-case': ['failed', 'cancelled'] } }] } }),
    detail({ state: { status: [{ 'anything-but': { wildcard: '*F*' } }] } }),
    detail({ count: [{ numeric: ['=', 5] }] }),
    detail({ count: [{ numeric: ['>', 0, '<=', 5] }] }),
    detail({ count: [{ 'anything-but': 4 }] }),
    detail({ count: [{ exists: true }], other: [{ exists: false }] }),
    detail({ none: [{ exists: false }] }),
    detail({ state: [{ exists: false }] }),
    detail({ address: [{ cidr: '10.0.0.0/16' }] }),
    detail({ six: [{ cidr: '2001:db8::/32' }] }),
    detail({ path: [{ wildcard: 'dir/*.txt' }] }),
    detail({ path: [{ wildcard: '*a\\*b\\\\c*' }] }),
    { resources: [{ wildcard: 'arn:aws:*:image/web/*/1' }] },
    { $or: [{ source: ['x'] }, { account: ['123456789012'] }] },
    detail({ $or: [{ count: [{ numeric: ['>', 9] }] }, { $or: [{ flag: [false] }, { empty: [''] }] }] }),
    detail({ list: { name: ['two'], value: [2] } }),
    // A key, not the operator, when it is no list.
    { source: [{ prefix: 'aws' }, 'x'] },
  ];
  for (const pattern of matching) {
    it(`${JSON.stringify(pattern)} matches`, () => assert.equal(parsePattern(pattern)(EVENT), true));
  }

  const different: readonly object[] = [
    { source: ['aws.ec2'] },
    { source: ['AWS.imagebuilder'] },
    { source: ['aws.imagebuilder'], account: ['999999999999'] },
    { nothing: ['aws.imagebuilder'] },
    detail({ count: ['5'] }),
    detail({ count: [{ numeric: ['>', 5] }] }),
    detail({ count: [{ prefix: '5' }] }),
    detail({ state: ['AVAILABLE'] }),
    detail({ state: { status: [{ 'anything-but': ['AVAILABLE'] }] } }),
    detail({ state: { status: [{ 'anything-but': { wildcard: '*VAIL*' } }] } }),
    detail({ other: [{ 'anything-but': 'x' }] }),
    detail({ count: [{ exists: false }] }),
    detail({ other: [{ exists: true }] }),
    detail({ address: [{ cidr: '10.1.0.0/16' }] }),
    detail({ address: [{ cidr: '2001:db8::/32' }] }),
    detail({ path: [{ cidr: '10.0.0.0/8' }] }),
    detail({ path: [{ wildcard: 'dir/*.csv' }] }),
    detail({ list: { name: ['two'], value: [1] } }),
    { $or: [{ source: ['x'] }, { account: ['y'] }] },
    { source: ['x'], $or: [{ source: ['aws.imagebuilder'] }, { account: ['123456789012'] }] },
    JSON.parse('{"__proto__": {"toString": [{"exists": true}]}}'),
    { toString: [{ exists: true }] },
  ];
  for (const pattern of different) {
    it(`${JSON.stringify(pattern)} does not match`, () => assert.equal(parsePattern(pattern)(EVENT), false));
  }

  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [{}, /at its top: it must be an object with at least one key/],
    [[], /must be an object/],
    ['text', /must be an object/],
    [null, /must be an object/],
    [{ source: 'aws' }, /at 'source': it must be an object/],
    [{ source: [] }, /at 'source': the list is empty/],
    [{ source: [['x']] }, /at 'source\[0\]': a list cannot be in a list/],
    [{ source: [{ regex: '.*' }] }, /one comparison operator of prefix, .*exists/],
    [{ source: [{ constructor: 'x' }] }, /one comparison operator/],
    [{ source: [{ prefix: 'a', suffix: 'b' }] }, /one comparison operator/],
    [{ source: [{ prefix: 5 }] }, /at 'source\[0\].prefix': prefix takes a text/],
    [{ source: [{ prefix: { suffix: 'a' } }] }, /equals-ignore-case/],
    [{ source: [{ numeric: ['>', '5'] }] }, /it must be like/],
    [{ source: [{ numeric: ['~', 5] }] }, /it must be like/],
    [{ source: [{ numeric: ['>', 6e9] }] }, /it must be like/],
    [{ source: [{ numeric: ['>', 1, '<'] }] }, /it must be like/],
    [{ source: [{ exists: 'yes' }] }, /exists is true or false/],
    [{ source: [{ 'anything-but': [] }] }, /the list is empty/],
    [{ source: [{ 'anything-but': { cidr: '10.0.0.0/8' } }] }, /one of prefix, suffix/],
    [{ source: [{ 'anything-but': [{ prefix: 'a' }] }] }, /one of prefix, suffix/],
    [{ source: [{ wildcard: 'a**b' }] }, /no two '\*' in a row/],
    [{ source: [{ wildcard: 'a\\b' }] }, /only before/],
    [{ source: [{ cidr: '10.0.0.0/33' }] }, /not a block of addresses/],
    [{ $or: [{ source: ['x'] }] }, /at '\$or': it must be a list of at least two objects/],
    [{ source: ['x'.repeat(5_000)] }, /5\d{3} characters; 4096 are allowed/],
    [JSON.parse(`${'{"a":'.repeat(30)}["x"]${'}'.repeat(30)}`), /deeper than 20 levels/],
  ];
  for (const [pattern, message] of wrong) {
    it(`${JSON.stringify(pattern).slice(0, 60)} is refused`, () => {
      assert.throws(() => parsePattern(pattern), { name: 'InvalidPatternError', message });
    });
  }

  it('end soon, however many stars and alternatives they have', () => {
    const stars = `${'*a'.repeat(1_500)}*b`;
    const matches = parsePattern({ source: [{ wildcard: stars }] });
    assert.equal(matches({ source: 'a'.repeat(200_000) }), false);
    assert.equal(matches({ source: `${'a'.repeat(200_000)}b` }), true);
    const or = (depth: number): object => (depth === 0 ? { x: [1] } : { $or: [or(depth - 1), or(depth - 1)] });
    assert.equal(parsePattern(or(6))({ x: 2 }), false);
  });

  it('never throw, whatever the event', () => {
    const pattern = parsePattern({ a: { b: [{ exists: true }, { prefix: 'x' }, { numeric: ['<', 3] }] }, c: [null] });
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.jsonValue()), (event) => {
        assert.equal(typeof pattern(event), 'boolean');
      }),
    );
  });

  it('with wildcards are what the same regular expression says', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 });
    fc.assert(
      fc.property(text, fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 10 }), (wildcard, value) => {
        fc.pre(wildcard !== '' && !wildcard.includes('**'));
        const expected = new RegExp(`^${wildcard.replaceAll('*', '.*')}$`).test(value);
        assert.equal(parsePattern({ s: [{ wildcard }] })({ s: value }), expected);
      }),
    );
  });
});
