import type { Intrinsic } from '../scope.ts';
import { textValue } from '../values.ts';
import { evaluateConstant } from './constant.ts';

export const base64: Intrinsic = (argument, { scope, position, evaluate }) => {
  const text = evaluateConstant(argument, 'the argument of Fn::Base64', scope, evaluate);
  return text === undefined ? undefined : textValue(position, Buffer.from(text).toString('base64'));
};
