/**
 * A message as SNS posts it, signed. Source: SNS Developer Guide, "Parsing Amazon SNS message formats" and "Verifying the
 * signatures of Amazon SNS messages".
 */
export interface Message {
  readonly messageId: string;
  readonly topicArn: string;
  readonly subject: string | undefined;
  readonly message: string;
  readonly publishedAt: Date;
}

/** Signs texts with RSA and SHA-256; the receiver finds the certificate at the URL. */
export interface MessageSigner {
  readonly certificateUrl: string;
  /** Base64. */
  sign(text: string): string;
}

const LONGEST_SUBJECT = 100;

export function envelopeOf(message: Message, signer: MessageSigner): Readonly<Record<string, string>> {
  const content = {
    Type: 'Notification',
    MessageId: message.messageId,
    TopicArn: message.topicArn,
    ...(message.subject === undefined ? {} : { Subject: message.subject.slice(0, LONGEST_SUBJECT) }),
    Message: message.message,
    Timestamp: message.publishedAt.toISOString(),
  };
  return {
    ...content,
    SignatureVersion: '2',
    Signature: signer.sign(textToSign(content)),
    SigningCertURL: signer.certificateUrl,
  };
}

/** Names and values in the order of the names, each on a line. */
export function textToSign(content: Readonly<Record<string, string>>): string {
  const names = ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'];
  return names.flatMap((name) => (content[name] === undefined ? [] : [`${name}\n${content[name]}\n`])).join('');
}
