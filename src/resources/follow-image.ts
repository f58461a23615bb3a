import { setTimeout as sleep } from 'node:timers/promises';
import { parseArn } from '../contract/arn.ts';
import { invalidParameter, notFound } from '../contract/errors.ts';
import type { FollowImageBuild, FollowLine, FollowLog, FollowOptions } from '../contract/follow.ts';
import { type EventRow, readEvents } from '../state/events.ts';
import { findImage, type ImageRow } from '../state/find-resource.ts';
import { isUnfinished } from '../state/image-states.ts';
import { type LogRow, readLog } from '../state/log-events.ts';
import { logPlaceOf } from '../state/log-place.ts';
import type { Service } from './service.ts';

const POLL_MS = 100;
/**
 * How old news must be before it is told. Log lines are stored up to 100 ms late; without the delay the end of a step
 * would come before its last lines.
 */
const SETTLE_MS = 250;
const BATCH = 1_000;

/** Tells builds for `GET /kiln/v1/follow`: what is stored, and with `follow` what is stored later, until the end. */
export function followImageBuild(service: Service): FollowImageBuild {
  return (imageBuildVersionArn, options) => follow(service, imageBuildVersionArn, options);
}

async function* follow(service: Service, arn: string, options: FollowOptions): AsyncGenerator<FollowLine> {
  const { signal } = options;
  if (parseArn(arn)?.kind !== 'image' || parseArn(arn)?.build === undefined) {
    throw invalidParameter('imageBuildVersionArn', 'It must be the ARN of an image build version.');
  }
  let news: News | undefined;
  while (!signal.aborted) {
    // The status is read before the news: once the image has ended, nothing is added that belongs to its build.
    const image = await findImage(service.db, arn);
    if (image === undefined) throw notFound('imageBuildVersionArn', arn);
    news ??= newsOf(service, image);
    const goesOn = options.follow && isUnfinished(image.status);
    const until = goesOn ? service.clock.now().getTime() - SETTLE_MS : Number.POSITIVE_INFINITY;
    yield* news(until, signal);
    if (signal.aborted) return;
    if (!goesOn) {
      yield { kind: 'end', status: image.status, ...(image.reason === null ? {} : { reason: image.reason }) };
      return;
    }
    // An abort ends the pause, and then the loop.
    await sleep(POLL_MS, undefined, { signal }).catch(() => {});
  }
}

/** What was stored since the last call and is not younger than `until`, events and log lines merged by their times. */
type News = (until: number, signal: AbortSignal) => AsyncGenerator<FollowLine>;

function newsOf({ db }: Service, image: ImageRow): News {
  const events = feed((afterId) => readEvents(db, { imageArn: image.arn, afterId, limit: BATCH }));
  const lines = feed((afterId) => readLog(db, { ...logPlaceOf(image), afterId, limit: BATCH }));
  return async function* (until, signal) {
    events.refresh();
    lines.refresh();
    while (!signal.aborted) {
      const [event, line] = [await events.first(), await lines.first()];
      const eventAt = event?.created_at.getTime() ?? Number.POSITIVE_INFINITY;
      const lineAt = line?.timestamp.getTime() ?? Number.POSITIVE_INFINITY;
      if (Math.min(eventAt, lineAt) > until || (event === undefined && line === undefined)) return;
      if (event !== undefined && (line === undefined || eventAt < lineAt)) {
        events.take();
        yield eventLine(event);
      } else if (line !== undefined) {
        lines.take();
        yield logLine(line);
      }
    }
  };
}

/** Rows in the order of their ids, read in batches. At the end it reads again only after `refresh`. */
function feed<Row extends { readonly id: string }>(read: (afterId: string) => Promise<Row[]>) {
  let rows: Row[] = [];
  let next = 0;
  let lastId = '0';
  let mayHaveMore = true;
  return {
    refresh(): void {
      mayHaveMore = true;
    },
    async first(): Promise<Row | undefined> {
      if (next === rows.length && mayHaveMore) {
        rows = await read(lastId);
        next = 0;
        lastId = rows.at(-1)?.id ?? lastId;
        mayHaveMore = rows.length === BATCH;
      }
      return rows[next];
    },
    take(): void {
      next += 1;
    },
  };
}

/** The details of events are stored as they are told: state/events.ts writes what contract/follow.ts describes. */
function eventLine(event: EventRow): FollowLine {
  return { ...event.detail, kind: event.type, at: event.created_at.toISOString() } as FollowLine;
}

function logLine(line: LogRow): FollowLog {
  return {
    kind: 'log',
    at: line.timestamp.toISOString(),
    ...(line.step_name === null ? {} : { step: line.step_name }),
    source: line.source,
    message: line.message,
  };
}
