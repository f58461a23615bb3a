/** Where a rule sends events: read from what an operator wrote, so that nothing is stored that could not be used. */
import { isAbsolute } from 'node:path';
import { parseArn } from '../contract/arn.ts';
import { invalidParameter } from '../contract/errors.ts';
import { checkCommand, checkWebhookUrl } from './endpoints.ts';

export type RuleTarget =
  | { readonly kind: 'webhook'; readonly url: string }
  /** A program and its arguments; no shell is between. */
  | { readonly kind: 'command'; readonly command: readonly string[] }
  | { readonly kind: 'topic'; readonly topicArn: string }
  | { readonly kind: 'pipeline'; readonly imagePipelineArn: string }
  /** A file of JSON lines. */
  | { readonly kind: 'file'; readonly path: string };

/** @throws AwsError naming `place` */
export function readRuleTarget(value: unknown, place: string): RuleTarget {
  if (typeof value !== 'object' || value === null) throw invalidParameter(place, 'It must be an object.');
  const given = value as Readonly<Record<string, unknown>>;
  const extra = (...known: readonly string[]): void => {
    const unknown = Object.keys(given).find((key) => key !== 'kind' && !known.includes(key));
    if (unknown !== undefined)
      throw invalidParameter(`${place}.${unknown}`, `A ${given['kind']} target has no such member.`);
  };
  switch (given['kind']) {
    case 'webhook':
      extra('url');
      return { kind: 'webhook', url: checkWebhookUrl(given['url'], `${place}.url`) };
    case 'command':
      extra('command');
      return { kind: 'command', command: checkCommand(given['command'], `${place}.command`) };
    case 'topic': {
      extra('topicArn');
      return { kind: 'topic', topicArn: checkTopicArn(given['topicArn'], `${place}.topicArn`) };
    }
    case 'pipeline': {
      extra('imagePipelineArn');
      const { imagePipelineArn } = given;
      if (typeof imagePipelineArn === 'string' && parseArn(imagePipelineArn)?.kind === 'image-pipeline') {
        return { kind: 'pipeline', imagePipelineArn };
      }
      throw invalidParameter(`${place}.imagePipelineArn`, 'It must be the ARN of an image pipeline.');
    }
    case 'file': {
      extra('path');
      const { path } = given;
      if (typeof path === 'string' && isAbsolute(path) && !path.includes('\0') && path.length <= 4_096) {
        return { kind: 'file', path };
      }
      throw invalidParameter(`${place}.path`, 'It must be an absolute path.');
    }
    default:
      throw invalidParameter(`${place}.kind`, 'It must be webhook, command, topic, pipeline or file.');
  }
}

export const TOPIC_ARN = /^arn:aws[a-z-]*:sns:([a-z0-9-]+):(\d{12}):([A-Za-z0-9_-]{1,256})$/;

export function checkTopicArn(value: unknown, place: string): string {
  if (typeof value === 'string' && TOPIC_ARN.test(value)) return value;
  throw invalidParameter(place, 'It must be the ARN of an SNS topic: arn:aws:sns:REGION:ACCOUNT:NAME.');
}
