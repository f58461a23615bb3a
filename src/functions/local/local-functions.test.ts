import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentMonitor } from '../../util/monitor.ts';
import type { Functions } from '../functions.ts';
import { localFunctions } from './local-functions.ts';
import type { FunctionRegistry, LocalFunction } from './registry.ts';

const PLACE = { accountId: '123456789012', region: 'us-east-1' };
/** A function without a program: that it is tried shows that it was found. */
const TELL: LocalFunction = {
  ...{ name: 'tell', runtime: 'provided', handler: '', memoryMiB: 128, timeoutSeconds: 1, environment: {} },
};
const registry: Pick<FunctionRegistry, 'find' | 'codeOf'> = {
  find: async (name) => (name === 'tell' ? TELL : undefined),
  codeOf: () => import.meta.dirname,
};
const elsewhere: string[] = [];
const others: Functions = {
  invoke: async (name) => void elsewhere.push(name),
  call: async (name) => `"${elsewhere.push(name)}"`,
};
const functions = localFunctions(registry as FunctionRegistry, PLACE, others);
const context = { signal: new AbortController().signal, monitor: silentMonitor };

const OWN = [
  ...['tell', 'function:tell', '123456789012:function:tell:1'],
  ...[
    'arn:aws:lambda:us-east-1:123456789012:function:tell',
    'arn:aws:lambda:us-east-1:123456789012:function:tell:$LATEST',
  ],
];
for (const wanted of OWN) {
  test(`${wanted} is a function of this home`, async () => {
    await assert.rejects(functions.invoke(wanted, '{}', context), /it has no program 'bootstrap'/);
    await assert.rejects(functions.call(wanted, '{}', context), /it has no program 'bootstrap'/);
  });
}

const OTHERS = [
  ...['none', '999999999999:function:tell', 'arn:aws:lambda:us-east-1:999999999999:function:tell'],
  ...['arn:aws:lambda:eu-west-1:123456789012:function:tell', 'not a name'],
];
for (const wanted of OTHERS) {
  test(`${wanted} is none, and the service is asked`, async () => {
    elsewhere.splice(0);
    await functions.invoke(wanted, '{}', context);
    await functions.call(wanted, '{}', context);
    assert.deepEqual(elsewhere, [wanted, wanted]);
  });
}
