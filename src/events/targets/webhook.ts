import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { Undeliverable } from '../undeliverable.ts';

export interface WebhookRequest {
  /** Checked by checkWebhookUrl when it was stored. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Posts a body. Throws Undeliverable when the receiver refuses it for good, and other errors for everything else. */
export type PostWebhook = (request: WebhookRequest, signal: AbortSignal) => Promise<void>;

/** Source: EventBridge User Guide, "API destinations": what else than these is a refusal. */
const PASSING = [401, 407, 408, 409, 425, 429];

/**
 * Goes to the named host and no other: redirects are not followed, proxies of the environment not used. The certificate
 * must be good for the host's name. Nothing of an answer is kept but its status.
 *
 * @param certificateAuthorities trusted instead of Node's own, PEM
 */
export function createPostWebhook(certificateAuthorities?: string): PostWebhook {
  return ({ url, headers, body }, signal) =>
    new Promise((resolve, reject) => {
      const { protocol } = new URL(url);
      const send = protocol === 'https:' ? requestHttps : requestHttp;
      const options = {
        method: 'POST',
        headers: { ...headers, 'content-length': Buffer.byteLength(body), 'user-agent': 'kiln' },
        signal,
        agent: false as const,
        ...(certificateAuthorities === undefined ? {} : { ca: certificateAuthorities }),
      };
      const request = send(url, options, (response) => {
        const status = response.statusCode ?? 0;
        response.destroy();
        if (status >= 200 && status < 300) resolve();
        else if (status >= 300 && status < 500 && !PASSING.includes(status)) {
          reject(new Undeliverable(`The webhook answered ${status}.`));
        } else reject(new Error(`The webhook answered ${status}.`));
      });
      request.on('error', reject);
      request.end(body);
    });
}
