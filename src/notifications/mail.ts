import { createTransport } from 'nodemailer';
import { Undeliverable } from '../events/undeliverable.ts';
import { coerceError } from '../util/faults.ts';
import type { Message } from './envelope.ts';

export interface MailServer {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte; otherwise STARTTLS, without which nothing is sent but to this very machine. */
  readonly secure: boolean;
  readonly requireTls: boolean;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** The sender's address. */
  readonly from: string;
  /** Trusted instead of Node's own, PEM. */
  readonly certificateAuthorities?: string | undefined;
}

export type SendMail = (mail: { readonly to: string; readonly message: Message }, signal: AbortSignal) => Promise<void>;

const TIMEOUT_MS = 10_000;

/** Sends messages as plain text. A mailbox that the server refuses for good (5xx) is not tried again. */
export function createSendMail(server: MailServer): SendMail {
  const { host, port, secure, requireTls, user, password, from, certificateAuthorities } = server;
  return async ({ to, message }, signal) => {
    const transport = createTransport({
      ...{ host, port, secure, requireTLS: requireTls },
      ...(user === undefined ? {} : { auth: { user, pass: password ?? '' } }),
      ...(certificateAuthorities === undefined ? {} : { tls: { ca: certificateAuthorities } }),
      ...{ connectionTimeout: TIMEOUT_MS, greetingTimeout: TIMEOUT_MS, socketTimeout: TIMEOUT_MS },
      // Nothing of a message may name files or URLs to be attached.
      ...{ disableFileAccess: true, disableUrlAccess: true },
    });
    const close = (): void => transport.close();
    signal.addEventListener('abort', close, { once: true });
    try {
      signal.throwIfAborted();
      await transport.sendMail({
        from,
        to,
        subject: message.subject ?? `Message of ${message.topicArn.split(':').at(-1)}`,
        text: `${message.message}\n\n--\n${message.topicArn}\n`,
        date: message.publishedAt,
        messageId: `<${message.messageId}@kiln>`,
      });
    } catch (thrown) {
      const { responseCode } = thrown as { responseCode?: unknown };
      const isRefused = typeof responseCode === 'number' && responseCode >= 550 && responseCode < 560;
      throw isRefused ? new Undeliverable(coerceError(thrown).message) : thrown;
    } finally {
      signal.removeEventListener('abort', close);
      transport.close();
    }
  };
}
