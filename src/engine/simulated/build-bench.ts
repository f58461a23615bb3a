import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Insertable } from 'kysely';
import { findImage, type ImageRow } from '../../state/find-resource.ts';
import type { Store } from '../../state/open-store.ts';
import type { ImagesTable } from '../../state/tables.ts';
import { insertImage, insertResource } from '../../state/test-rows.ts';
import { openTestStore, silentLog } from '../../state/test-store.ts';
import { systemClock } from '../../util/clock.ts';
import type { Engine } from '../engine.ts';
import { type SimulatedBuildHost, simulatedBuildHost } from './simulated-build-host.ts';
import { type SimulatedImageStore, simulatedCatalog, simulatedImageStore } from './simulated-image-store.ts';

export const ACCOUNT = '123456789012';

/** A whole engine on a real database, a simulated build host and a simulated image store, for tests of builds. */
export interface BuildBench extends AsyncDisposable {
  readonly engine: Engine;
  readonly store: Store;
  readonly host: SimulatedBuildHost;
  readonly images: SimulatedImageStore;
  readonly folder: string;
  /** Writes components and a PENDING image that uses them. Each component is the phases of a document. */
  image(options?: BenchImage): Promise<string>;
  row(arn: string): Promise<ImageRow>;
  /** Steps of the image in their order, as `name STATUS`. */
  steps(arn: string): Promise<readonly string[]>;
  /** Workflows of the image in their order, as `name STATUS`. */
  workflows(arn: string): Promise<readonly string[]>;
  /** Stages that the image went through. */
  stages(arn: string): Promise<readonly string[]>;
  log(arn: string): Promise<readonly string[]>;
  /** Workers whose processes still exist, although nothing comes from them. */
  readonly frozen: Set<string>;
  /** The engine that starts after this one was killed: same rooms, same database, nothing in memory. */
  successor(): { readonly engine: Engine; readonly host: SimulatedBuildHost };
}

export interface BenchImage {
  readonly components?: readonly string[];
  /** Of every component. */
  readonly componentTags?: Readonly<Record<string, string>>;
  readonly recipe?: Readonly<Record<string, unknown>>;
  readonly infrastructure?: Readonly<Record<string, unknown>>;
  readonly distributions?: readonly unknown[];
  readonly row?: Partial<Insertable<ImagesTable>>;
}

/** @param shared A database of somebody else's, who closes it: another machine room with the same records. */
export async function openBench(shared?: { readonly store: Store }): Promise<BuildBench> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'kiln-bench-'));
  const store = shared?.store ?? (await openTestStore());
  const { db } = store;
  const images = simulatedImageStore();
  const catalog = simulatedCatalog(images);
  const host = simulatedBuildHost(folder);
  const frozen = new Set<string>();
  const engine: Engine = {
    ...{ db, jobs: store.jobs, buildHost: host, imageStore: images, catalog, clock: systemClock, log: silentLog },
    ...{ workerId: 'worker-1', accountId: ACCOUNT, region: 'us-east-1' },
    place: { id: 'bench', hasEnded: async (id) => !frozen.has(id) },
  };
  const workingDirectory = path.join(folder, 'work');
  await mkdir(workingDirectory);

  const image = async ({
    components = [],
    componentTags = {},
    recipe,
    infrastructure,
    distributions,
    row,
  }: BenchImage = {}) => {
    const slug = `image-${randomUUID().slice(0, 8)}`;
    const arns = await Promise.all(
      components.map((phases, index) => insertComponent(store, `${slug}-${index}`, phases, componentTags)),
    );
    return insertImage(db, {
      slug,
      image_recipe: JSON.stringify({
        ...{ name: slug, version: '1.0.0', workingDirectory },
        parentImage: 'arn:aws:imagebuilder:us-east-1:aws:image/debian-server-12-x86/x.x.x',
        components: arns.map((componentArn) => ({ componentArn })),
        ...recipe,
      }),
      infrastructure_configuration: JSON.stringify({ instanceTypes: ['m5.large'], ...infrastructure }),
      distribution_configuration: distributions === undefined ? null : JSON.stringify({ distributions }),
      ...row,
    });
  };

  const steps = async (arn: string): Promise<readonly string[]> => {
    const rows = await db
      .selectFrom('workflow_step_executions as step')
      .innerJoin('workflow_executions as workflow', 'workflow.id', 'step.workflow_execution_id')
      .select(['step.name', 'step.status'])
      .where('step.image_arn', '=', arn)
      .orderBy('workflow.position')
      .orderBy('step.position')
      .execute();
    return rows.map(({ name, status }) => `${name} ${status}`);
  };
  const workflows = async (arn: string): Promise<readonly string[]> => {
    const query = db.selectFrom('workflow_executions').select(['workflow_arn', 'status']).where('image_arn', '=', arn);
    const rows = await query.orderBy('position').execute();
    return rows.map((row) => `${row.workflow_arn.split('/').at(-3)} ${row.status}`);
  };
  const stages = async (arn: string): Promise<readonly string[]> => {
    const events = db.selectFrom('events').select('detail').where('image_arn', '=', arn).where('type', '=', 'image');
    return (await events.orderBy('id').execute()).map(({ detail }) => String(detail['status']));
  };
  const log = async (arn: string): Promise<readonly string[]> => {
    const { name } = await rowOf(store, arn);
    const lines = db
      .selectFrom('log_events')
      .select('message')
      .where('log_group', '=', `${ACCOUNT}:/aws/imagebuilder/${name}`);
    return (await lines.orderBy('id').execute()).map(({ message }) => message);
  };
  return {
    ...{ engine, store, host, images, folder, frozen, image, steps, workflows, stages, log },
    row: (arn) => rowOf(store, arn),
    successor: () => {
      const next = simulatedBuildHost(folder, host.instances);
      return { engine: { ...engine, buildHost: next, workerId: `worker-${randomUUID()}` }, host: next };
    },
    [Symbol.asyncDispose]: async () => {
      if (shared === undefined) await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A component of one step per phase: a shell script. */
export function script(phases: Readonly<Record<string, string>>): string {
  return Object.entries(phases)
    .map(
      ([phase, command]) =>
        `  - name: ${phase}\n    steps:\n      - name: Run\n        action: ExecuteBash\n        inputs:\n          commands: [${JSON.stringify(command)}]\n`,
    )
    .join('');
}

async function rowOf(store: Store, arn: string): Promise<ImageRow> {
  const row = await findImage(store.db, arn);
  if (row === undefined) throw new Error(`no image ${arn}`);
  return row;
}

function insertComponent(
  store: Store,
  slug: string,
  phases: string,
  tags: Readonly<Record<string, string>>,
): Promise<string> {
  return insertResource(store.db, {
    arn: `arn:aws:imagebuilder:us-east-1:${ACCOUNT}:component/${slug}/1.0.0/1`,
    ...{ kind: 'component', slug, major: 1, minor: 0, patch: 0, build: 1, version: '1.0.0' },
    document: JSON.stringify({ data: `schemaVersion: 1.0\nname: ${slug}\nphases:\n${phases}` }),
    tags: JSON.stringify(tags),
  });
}
