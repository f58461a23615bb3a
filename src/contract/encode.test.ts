import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeOutput } from './encode.ts';
import { readModel } from './model.ts';
import type { OperationName } from './operations.ts';

const model = new Map(readModel().map((operation) => [operation.name, operation]));

function encode(name: OperationName, output: object): unknown {
  const operation = model.get(name);
  assert.ok(operation !== undefined, name);
  return JSON.parse(JSON.stringify(encodeOutput(operation.output, output)));
}

describe('encoding an answer', () => {
  it('leaves absent members out and keeps empty collections', () => {
    assert.deepEqual(
      encode('GetImage', {
        image: { name: 'i', osVersion: undefined, platform: null, tags: {}, outputResources: { amis: [] } },
        latestVersionReferences: undefined,
      }),
      { image: { name: 'i', tags: {}, outputResources: { amis: [] } } },
    );
  });

  it('writes times as the API has each: strings as ISO 8601, timestamps as epoch seconds', () => {
    const at = new Date('2026-09-09T19:30:21.183Z');
    assert.deepEqual(encode('GetImage', { image: { dateCreated: at, deprecationTime: at } }), {
      image: { dateCreated: '2026-09-09T19:30:21.183Z', deprecationTime: 1_788_982_221.183 },
    });
    assert.deepEqual(encode('GetLifecyclePolicy', { lifecyclePolicy: { dateCreated: at.toISOString() } }), {
      lifecyclePolicy: { dateCreated: 1_788_982_221.183 },
    });
  });

  it('writes members that are newer than the SDK package', () => {
    const output = {
      image: {
        state: { status: 'FAILED', failureContext: { failedStep: 'Build', componentFailure: { stepName: 's' } } },
      },
    };
    assert.deepEqual(encode('GetImage', output), output);
    assert.deepEqual(encode('ListWorkflowStepExecutions', { steps: [{ name: 's', attemptNumber: 1 }] }), {
      steps: [{ name: 's', attemptNumber: 1 }],
    });
  });

  it('keeps what the API does not have to itself', () => {
    assert.deepEqual(encode('GetImage', { image: { name: 'i', secret: 's' }, other: 1 }), { image: { name: 'i' } });
  });
});
