import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { matches, matchesArn, parsePattern, plainText } from './pattern.ts';

const none = () => undefined;
const fits = (pattern: string, value: string) => matches(parsePattern(pattern, true), value, none);
const fitsArn = (pattern: string, arn: string) => matchesArn(parsePattern(pattern, true), arn, none);

describe('a pattern', () => {
  it('matches with wildcards', () => {
    for (const [pattern, value] of [
      ['*', ''],
      ['*', 'anything'],
      ['Get*', 'GetImage'],
      ['*Image*', 'ListImageBuildVersions'],
      ['a?c', 'abc'],
      ['a*b*c', 'aXbYbZc'],
      ['a**c', 'ac'],
    ]) {
      assert.ok(fits(pattern ?? '', value ?? ''), `${pattern} ${value}`);
    }
    for (const [pattern, value] of [
      ['', 'a'],
      ['Get*', 'get'],
      ['a?c', 'ac'],
      ['a*b', 'abc'],
      ['a.c', 'abc'],
    ]) {
      assert.ok(!fits(pattern ?? '', value ?? ''), `${pattern} ${value}`);
    }
  });

  it('takes characters that are wildcards elsewhere', () => {
    assert.ok(fits('a${*}c${?}${$}', 'a*c?$'));
    assert.ok(!fits('a${*}c', 'abc'));
  });

  it('takes values of the request, in which nothing is a wildcard', () => {
    const pattern = parsePattern('home/${aws:username}/*', true);
    assert.ok(matches(pattern, 'home/eve/x', () => 'eve'));
    assert.ok(!matches(pattern, 'home/eve/x', () => '*'));
    assert.ok(matches(pattern, 'home/*/x', () => '*'));
    assert.ok(!matches(pattern, 'home//x', none));
  });

  it('takes the default of a variable without value', () => {
    assert.equal(plainText(parsePattern("${aws:username, 'nobody'}", true), none), 'nobody');
    assert.equal(plainText(parsePattern('${aws:username}', true), none), undefined);
  });

  it('has no variables in the older policy version', () => {
    assert.equal(plainText(parsePattern('${aws:username}', false), none), '${aws:username}');
  });

  it('costs little whatever it says', () => {
    assert.ok(!fits(`${'*a'.repeat(200)}b`, 'a'.repeat(5_000)));
  });
});

describe('a pattern of ARNs', () => {
  const arn = 'arn:aws:imagebuilder:us-east-1:123456789012:component/web/1.0.0/1';

  it('matches segment by segment', () => {
    assert.ok(fitsArn('*', arn));
    assert.ok(fitsArn('arn:aws:imagebuilder:*:*:component/*', arn));
    assert.ok(fitsArn('arn:aws:imagebuilder:us-east-1:123456789012:component/w?b/*', arn));
    assert.ok(fitsArn('arn:aws:imagebuilder:*', arn), 'a last wildcard goes on to the end');
    assert.ok(!fitsArn('arn:*:component/web/1.0.0/1', arn), 'a wildcard stops at a colon');
    assert.ok(!fitsArn('arn:aws:imagebuilder:us-east-1', arn));
    assert.ok(!fitsArn('arn:aws:imagebuilder:us-east-1:123456789012:component/web', arn));
  });

  it('leaves colons in the last segment alone', () => {
    assert.ok(fitsArn('arn:aws:sns:*:*:a:*', 'arn:aws:sns:us-east-1:123456789012:a:b'));
  });
});
