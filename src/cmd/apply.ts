import { applyTemplate, evaluateOutputs } from '../template/apply-template.ts';
import { listStack, type RemovedResource, removeResources } from '../template/stack.ts';
import type { TemplatePlan } from '../template/template-plan.ts';
import { stageAsset } from './assets.ts';
import type { Command, CommandContext } from './command.ts';
import { type Connection, connect } from './connect.ts';
import { createStackReport, type StackReport } from './display/stack-report.ts';
import { ensureImage } from './ensure-image.ts';
import { EXIT } from './exit-codes.ts';
import { callOperation } from './service-client.ts';
import { readPlan, TEMPLATE_OPTIONS } from './template-plans.ts';

export const apply: Command = {
  usage: 'TEMPLATE [-p KEY=VALUE] [--stack-name NAME] [--json]',
  summary: 'Makes the service what a CloudFormation template says: a stack.',
  description:
    'Everything in the template is checked before anything is created; then resources are created, updated, and those\n' +
    'that the template has no longer or has replaced are removed. Images are built. A second time it changes nothing.\n' +
    'Templates of CDK are applied from their cdk.out. `kiln destroy` takes the stack away.',
  positionals: { min: 1, max: 1 },
  options: { ...TEMPLATE_OPTIONS, json: { type: 'boolean', help: 'one JSON event per line' } },

  async run(args, context) {
    const { config, io, signal } = context;
    const plan = await readPlan(args, config, { buildsImages: true, signal });
    await using connection = await connect(config, signal);
    const report = createStackReport(args.flag('json'), (text) => io.stdout.write(text));
    await applyStack(plan, connection, context, report);
    // Others may have found the service of this process; they are not to lose their builds with it.
    await connection.idle(signal, () =>
      io.stderr.write('kiln: other builds use this service; waiting for their end\n'),
    );
    return EXIT.done;
  },
};

async function applyStack(
  plan: TemplatePlan,
  connection: Connection,
  { config, signal }: CommandContext,
  report: StackReport,
): Promise<void> {
  const { address, accountId } = connection;
  const { stackName } = plan;
  const call: Parameters<typeof listStack>[0] = (operation, input, until) =>
    callOperation(address, operation, input, until);
  const before = await listStack(call, stackName, signal);
  for (const name of plan.names) report.named(name);
  const applied = await applyTemplate(plan, {
    call,
    partition: 'aws',
    region: address.region,
    accountId,
    stack: stackName,
    stageDocument: (document) => stageAsset(config.home.assets, document),
    ensureImage: (image) => ensureImage(image, { plan, stack: before, connection, report: report.build, signal }),
    signal,
    onApplied: (resource) => report.applied(resource),
  });
  const wanted = new Set(applied.resources.map(({ arn }) => arn));
  const gone = before.filter(({ arn }) => !wanted.has(arn));
  const declared = new Map(plan.resources.map(({ logicalId, retained }) => [logicalId, retained]));
  const removed: RemovedResource[] = [];
  for await (const resource of removeResources(call, gone, (logicalId) => declared.get(logicalId), signal)) {
    removed.push(resource);
    report.removed(resource);
  }
  report.done(stackName, applied.resources, removed, evaluateOutputs(plan, applied.attributes));
}
