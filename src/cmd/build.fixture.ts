/** Builds images on the service of a test, as `kiln build --json` does. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImagebuilderClient } from '@aws-sdk/client-imagebuilder';
import type { ImageStore } from '../image-store/image-store.ts';
import { plan } from '../template/test-template.ts';
import { buildImage } from './build-image.ts';
import { chooseBuild } from './choose-build.ts';
import { connect } from './connect.ts';
import type { BuildOutcome } from './display/build-outcome.ts';
import { createJsonReport } from './display/json-report.ts';
import type { TestService } from './service.fixture.ts';

const never = new AbortController().signal;

export interface Build {
  readonly outcome: BuildOutcome;
  readonly events: readonly Record<string, unknown>[];
}

interface Changed {
  readonly through?: (client: ImagebuilderClient) => ImagebuilderClient;
  readonly exportImage?: ImageStore['export'];
}

const writeName: ImageStore['export'] = async (amiId, file) => {
  await writeFile(file, amiId);
  return { bytes: amiId.length };
};

/** What `kiln build --json` does, with another disk copier. */
export async function build(
  test: TestService,
  text: string,
  signal = never,
  onEvent?: (event: string) => void,
  { through = (client: ImagebuilderClient) => client, exportImage = writeName }: Changed = {},
): Promise<Build> {
  const { config, folder, buildHost } = test;
  await using own = await connect(config, never);
  const connection = { ...own, client: through(own.client) };
  const planned = await plan(text.replace('WORK', join(folder, 'work')), { accountId: connection.accountId });
  const events: Record<string, unknown>[] = [];
  const outcome = await buildImage({
    config,
    connection,
    plan: planned,
    choice: chooseBuild(planned, undefined),
    output: { file: join(folder, 'out.qcow2'), format: 'qcow2' },
    report: createJsonReport((line) => {
      events.push(JSON.parse(line));
      onEvent?.(line);
    }),
    machine: {
      exportImage,
      prepareExport: async () => {},
      keptInstances: async (arn) => {
        const kept = (await buildHost.list()).filter(({ owner }) => owner === arn);
        return kept.map(({ instanceId }) => ({ instanceId, enterCommand: `enter ${instanceId}` }));
      },
    },
    signal,
    startedAt: performance.now(),
  });
  return { outcome, events };
}
