/** Records in the audit trail what a command did to a home by itself, without a request to its service. */
import { userInfo } from 'node:os';
import { type CommandEvent, commandRecord } from '../api/audit/record.ts';
import { leaveRecord, openInbox } from '../state/audit-trail/inbox.ts';
import { openAuditTrail } from '../state/audit-trail/open-trail.ts';
import { lockHome } from '../state/home-lock.ts';
import { systemClock } from '../util/clock.ts';
import type { CommandContext } from './command.ts';
import { ensureCredentials } from './credentials.ts';
import { kilnVersion } from './version.ts';

/** On disk when this resolves, for {@link deliverRecords} or the service to put into the trail. */
export async function recordCommand(
  { config }: CommandContext,
  event: Omit<CommandEvent, 'userAgent' | 'user'>,
): Promise<void> {
  const credentials = await ensureCredentials(config.home);
  const place = {
    accountId: config.accountId ?? credentials.accountId,
    region: config.region ?? credentials.region,
  };
  const { uid, username: name } = userInfo();
  const at = systemClock.now();
  const record = commandRecord({ ...event, userAgent: `kiln/${kilnVersion()}`, user: { uid, name } }, at, place);
  await leaveRecord(config.home.audit, record, at);
}

/** Puts what was left into the trail, unless a service runs: that one does it by itself. */
export async function deliverRecords({ config, signal, io }: CommandContext): Promise<void> {
  const found = await lockHome(config.home.path);
  if (!found.acquired) return;
  await using _lock = found.lock;
  await using trail = await openAuditTrail({ folder: config.home.audit, signal });
  await using _inbox = openInbox(config.home.audit, trail, (error) => {
    io.stderr.write(`kiln: the audit trail did not take a record: ${error.message}\n`);
  });
}
