import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compareVersions, fixedNodes, hasWildcard, isSelectable, MAX_NODE, parseVersion } from './version.ts';

describe('semantic versions', () => {
  it('have three nodes of at most 2^30 - 1', () => {
    assert.deepEqual(parseVersion('1.02.3'), [1, 2, 3]);
    assert.deepEqual(parseVersion(`${MAX_NODE}.0.0`), [MAX_NODE, 0, 0]);
    for (const text of [`${MAX_NODE + 1}.0.0`, '1.0', '1.0.x', '1.0.0/1', '-1.0.0', '']) {
      assert.equal(parseVersion(text), undefined, text);
    }
  });

  it('select with wildcards that have only wildcards to their right', () => {
    for (const version of ['1.2.3', '1.2.x', '1.x.x', 'x.x.x']) assert.ok(isSelectable(version), version);
    for (const version of ['x.2.x', '1.x.8', 'x.x.1', '1.x', '*']) assert.ok(!isSelectable(version), version);
    assert.deepEqual(fixedNodes('1.2.x'), [1, 2]);
    assert.deepEqual(fixedNodes('x.x.x'), []);
    assert.ok(hasWildcard('1.x.x') && !hasWildcard('1.0.0'));
  });

  it('are compared as numbers', () => {
    const versions = ['1.10.0', '1.9.0', '0.20.0', '1.9.12'].map((text) => parseVersion(text) ?? assert.fail());
    assert.deepEqual(versions.sort(compareVersions).map(String), ['0,20,0', '1,9,0', '1,9,12', '1,10,0']);
  });
});
