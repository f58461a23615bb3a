import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as ImageBuilder from '@aws-sdk/client-imagebuilder';
import { AwsError, type AwsErrorName, invalidParameter, notYet } from './errors.ts';

describe('the errors of the API', () => {
  const schemas = (Object.values(ImageBuilder) as unknown[]).filter(
    (exported): exported is [number, string, AwsErrorName, { httpError?: number }] =>
      Array.isArray(exported) && exported[0] === -3 && exported[2] !== 'ImagebuilderServiceException',
  );

  it('have the status that the SDK package has for each', () => {
    assert.equal(schemas.length, 20);
    for (const [, , name, { httpError }] of schemas) assert.equal(new AwsError(name, '').httpStatus, httpError, name);
  });

  it('name the parameter, and what is not there yet', () => {
    const { message } = invalidParameter('distributions[0]', 'It is empty.');
    assert.equal(message, "The value supplied for parameter 'distributions[0]' is not valid. It is empty.");
    assert.match(notYet('container recipes').message, /does not support container recipes yet/);
  });
});
