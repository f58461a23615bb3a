import { allow } from '../allow.ts';
import { callerOf } from '../request-context.ts';
import type { App, Routing } from '../routes.ts';
import { answerLogs, LOGS_SOURCE, logsOperation } from './answer-logs.ts';

/** CloudWatch Logs, where requests were signed for it. */
export function addLogsRoute(app: App, path: string, routing: Routing): void {
  const { region } = routing;
  app.post(path, async (c, next) => {
    const { call } = c.env;
    if (call.eventSource !== LOGS_SOURCE || routing.logs === undefined) return await next();
    const caller = callerOf(call, c.get('credential'), region);
    const { accountId } = caller;
    return answerLogs(logsOperation(c.req.raw.headers), c.get('body'), caller, {
      operations: routing.logs,
      place: { accountId, region },
      authorise: (checks) => allow(call, checks, routing),
      onInput: (input) => {
        call.input = input;
      },
    });
  });
}
