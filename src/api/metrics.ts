/** What Prometheus asks for. Source: Prometheus documentation, "Metric and label naming". */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Call } from './call.ts';
import { STS_SOURCE } from './sts/answer-sts.ts';

/** What is counted when it is asked for and not when it happens. */
export interface Gauges {
  /** Images by status. */
  readonly images: ReadonlyMap<string, number>;
  /** Builds that wait for a worker. */
  readonly queued: number;
}

export interface Metrics {
  observe(call: Call, seconds: number): void;
  connections(count: number): void;
  followStreams(count: number): void;
  /** The text that Prometheus reads. */
  answer(): Promise<Response>;
}

const SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];

/** @param readGauges may reject: then the answer has no gauges of builds */
export function createMetrics(readGauges: () => Promise<Gauges>): Metrics {
  const registers = [new Registry()];
  const [registry] = registers;
  const requests = new Counter({
    name: 'kiln_api_requests_total',
    help: 'Requests that were answered, by operation and by the error code, or OK.',
    labelNames: ['operation', 'code'],
    registers,
  });
  const durations = new Histogram({
    name: 'kiln_api_request_duration_seconds',
    help: 'Time from the arrival of a request to its answer.',
    labelNames: ['operation'],
    buckets: SECONDS,
    registers,
  });
  const connections = new Gauge({ name: 'kiln_api_connections', help: 'Open connections.', registers });
  const streams = new Gauge({ name: 'kiln_api_follow_streams', help: 'Clients that follow a build.', registers });
  const images = new Gauge({ name: 'kiln_images', help: 'Images by status.', labelNames: ['status'], registers });
  const queued = new Gauge({ name: 'kiln_build_queue_length', help: 'Builds that wait for a worker.', registers });
  return {
    observe: (call, seconds) => {
      const operation = operationOf(call);
      requests.inc({ operation, code: call.error?.name ?? 'OK' });
      durations.observe({ operation }, seconds);
    },
    connections: (count) => connections.set(count),
    followStreams: (count) => streams.set(count),
    answer: async () => {
      images.reset();
      const gauges = await readGauges().catch(() => undefined);
      for (const [status, count] of gauges?.images ?? []) images.set({ status }, count);
      queued.set(gauges?.queued ?? Number.NaN);
      const text = (await registry?.metrics()) ?? '';
      return new Response(text, { headers: { 'content-type': Registry.PROMETHEUS_CONTENT_TYPE } });
    },
  };
}

/** A caller chooses the name of an STS action; each new one as a label would take memory for ever. */
function operationOf({ eventSource, eventName }: Call): string {
  return eventSource === STS_SOURCE && eventName !== 'GetCallerIdentity' ? 'Unknown' : eventName;
}
