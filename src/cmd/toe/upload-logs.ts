import { type CommandContext, UsageError } from '../command.ts';
import type { LogBucket } from './settings.ts';

/** Uploads a log folder and gives its place. */
export async function uploadLogs(_folder: string, _bucket: LogBucket, _context: CommandContext): Promise<string> {
  throw new UsageError('Kiln does not upload logs to S3 yet');
}
