import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatArn, parseArn, slugOf } from './arn.ts';

const PREFIX = 'arn:aws:imagebuilder:us-east-1:123456789012';

describe('Image Builder ARNs', () => {
  const arns = [
    `${PREFIX}:component/my-app/1.0.0/7`,
    `${PREFIX}:component/build/1.x.x`,
    `${PREFIX}:image/my_app/x.x.x`,
    `${PREFIX}:image-recipe/r/2021.01.01`,
    `${PREFIX}:infrastructure-configuration/test`,
    `${PREFIX}:workflow/distribution/w/1.0.0/1`,
    'arn:aws-cn:imagebuilder:local:aws:image/debian-server-12-x86/x.x.x',
    'arn:aws:imagebuilder:us-east-1:aws-marketplace:component/c/1.0.0',
    'arn:aws:imagebuilder:us-east-1:third-party:component/c/1.0.0',
  ];
  for (const arn of arns) {
    it(`come back unchanged from their parts: ${arn}`, () => {
      const parsed = parseArn(arn);
      assert.ok(parsed !== undefined);
      assert.equal(formatArn(parsed), arn);
    });
  }

  it('are told apart from everything else', () => {
    const others = [
      '',
      'ami-0123456789abcdef0',
      `${PREFIX}:component/My-App/1.0.0`,
      `${PREFIX}:component/c/1.0`,
      `${PREFIX}:component/c/1.0.0/x`,
      `${PREFIX}:workflow/w/1.0.0`,
      `${PREFIX}:component/build/c/1.0.0`,
      `${PREFIX}:volume/v`,
      `${PREFIX}:image/i/1.0.0/1 `,
      'arn:aws:ec2:us-east-1:123456789012:image/i/1.0.0',
    ];
    assert.deepEqual(
      others.filter((text) => parseArn(text) !== undefined),
      [],
    );
  });

  it('carry names in lower case with hyphens for spaces and underscores', () => {
    assert.equal(slugOf('My Web_Server-2'), 'my-web-server-2');
  });
});
