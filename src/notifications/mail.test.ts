import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSendMail } from './mail.ts';
import { openMailServer } from './mail-server.fixture.ts';

const never = new AbortController().signal;
const message = {
  messageId: '00000000-0000-0000-0000-000000000001',
  topicArn: 'arn:aws:sns:us-east-1:123456789012:images',
  subject: 'Image\r\nBcc: other@example.org',
  message: '{"path": "/etc/passwd"}\n.\nsecond line',
  publishedAt: new Date('2026-11-23T10:00:00Z'),
};

const server = (port: number, requireTls = false) => ({
  ...{ host: '127.0.0.1', port, secure: false, requireTls, from: 'kiln@example.org' },
});

test('a message is a mail of plain text to one address', async () => {
  await using mail = await openMailServer();
  await createSendMail(server(mail.port))({ to: 'builds@example.org', message }, never);
  assert.deepEqual(mail.recipients, ['RCPT TO:<builds@example.org>']);
  const [text = ''] = mail.mails;
  assert.match(text, /^From: kiln@example\.org$/m);
  assert.match(text, /^Subject: Image Bcc: other@example\.org$/m, 'a subject adds no header');
  assert.match(text, /^Message-ID: <00000000-0000-0000-0000-000000000001@kiln>$/m);
  assert.match(text, /^second line$/m);
});

test('a mailbox that is refused for good is not tried again, and a server without TLS is not trusted', async () => {
  await using refusing = await openMailServer({ RCPT: '550 no such user' });
  const send = (port: number, requireTls?: boolean) =>
    createSendMail(server(port, requireTls))({ to: 'nobody@example.org', message }, never);
  await assert.rejects(send(refusing.port), { name: 'Undeliverable', message: /no such user/ });
  await using full = await openMailServer({ RCPT: '452 mailbox full' });
  await assert.rejects(send(full.port), { name: 'Error', message: /mailbox full/ });
  await using plain = await openMailServer({ STAR: '454 no TLS here' });
  await assert.rejects(send(plain.port, true), { code: 'ETLS' });
  assert.deepEqual(plain.mails, []);
});

test('an attempt ends with its signal', async () => {
  await using silent = await openMailServer({ EHLO: '' });
  const giveUp = new AbortController();
  giveUp.abort(new Error('stopping'));
  await assert.rejects(
    createSendMail(server(silent.port))({ to: 'a@example.org', message }, giveUp.signal),
    /stopping/,
  );
});
