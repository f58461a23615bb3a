/** Where a subscription sends messages. Source of the protocols: SNS API Reference, Subscribe; `command` is Kiln's own. */
import { invalidParameter } from '../contract/errors.ts';
import { checkCommand, checkStorable, checkWebhookUrl } from '../events/endpoints.ts';

export type TopicEndpoint =
  | { readonly protocol: 'https'; readonly url: string }
  | { readonly protocol: 'email'; readonly address: string }
  | { readonly protocol: 'command'; readonly command: readonly string[] };

/** One address, without names, comments and quotes: nothing that could add a header or a second recipient. */
const ADDRESS = /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?$/;

/** @throws AwsError that names what is wrong */
export function readTopicEndpoint(value: unknown): TopicEndpoint {
  checkStorable(value, 'endpoint');
  if (typeof value !== 'object' || value === null) throw invalidParameter('endpoint', 'It must be an object.');
  const { protocol, ...rest } = value as Readonly<Record<string, unknown>>;
  const one = (name: string): unknown => {
    const unknown = Object.keys(rest).find((key) => key !== name);
    if (unknown !== undefined) throw invalidParameter(`endpoint.${unknown.slice(0, 80)}`, 'There is no such member.');
    return rest[name];
  };
  switch (protocol) {
    case 'https':
      return { protocol, url: checkWebhookUrl(one('url'), 'endpoint.url') };
    case 'command':
      return { protocol, command: checkCommand(one('command'), 'endpoint.command') };
    case 'email': {
      const address = one('address');
      if (typeof address === 'string' && ADDRESS.test(address)) return { protocol, address };
      throw invalidParameter('endpoint.address', 'It must be one address, like builds@example.org.');
    }
    default:
      throw invalidParameter('endpoint.protocol', 'It must be https, email or command.');
  }
}
