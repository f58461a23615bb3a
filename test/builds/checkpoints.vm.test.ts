import assert from 'node:assert/strict';
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { diskOf, readDisk } from '../disk-contents.ts';
import { type KilnHome, makeKilnHome } from '../kiln-home.ts';

const examples = join(import.meta.dirname, '../../examples');

/** What says when it was written, and so differs between two runs of one component. */
const TIMES = /^\/(var\/log\/|var\/cache\/(ldconfig\/aux-cache|apt\/)|var\/lib\/apt\/|tmp$|etc\/ld\.so\.cache$)/;

interface Outcome {
  readonly code: number;
  readonly lines: readonly string[];
}

/** All on mounted disks: nothing is booted. */
describe('builds that go on from checkpoints', () => {
  let home: KilnHome;
  let template: string;
  let reusing: Outcome;
  let anew: Outcome;
  const begin = new Date();
  /** What differs from the parent is all that can differ between two of these images. */
  const read = ({ lines }: Outcome) => readDisk(diskOf(home, said(lines, /^AMI /)), [], begin);
  const said = (lines: readonly string[], pattern: RegExp): string => lines.find((line) => pattern.test(line)) ?? '';
  before(async () => {
    home = await makeKilnHome({ withBaseImages: true });
    await cp(examples, join(home.work, 'examples'), { recursive: true });
    template = join(home.work, 'examples/web-server/template.yaml');
    const image = '  WebServerImage:\n    Type: AWS::ImageBuilder::Image\n    Properties:\n';
    const text = readFileSync(template, 'utf8')
      .replace(image, `${image}      ImageTestsConfiguration: { ImageTestsEnabled: false }\n`)
      .replace('Parameters:\n', 'Parameters:\n  Recipe: { Type: String, Default: 1.0.0 }\n')
      .replace('Name: web-server\n      Version: 1.0.0\n', 'Name: web-server\n      Version: !Ref Recipe\n');
    writeFileSync(template, text);
  });
  after(() => home[Symbol.asyncDispose]());

  async function kiln(...args: readonly string[]): Promise<Outcome> {
    const process = home.start(args);
    return { code: await process.ended, lines: [...process.stdout, ...process.stderr] };
  }
  async function build(recipe: string, title: string, file: string, ...more: readonly string[]): Promise<Outcome> {
    const parameters = ['-p', `Recipe=${recipe}`, '-p', `Title=${title}`];
    const out = ['--executor', 'auto', '-o', join(home.work, file)];
    const outcome = await kiln('build', template, ...parameters, ...out, ...more);
    assert.equal(outcome.code, 0, outcome.lines.slice(-40).join('\n'));
    return outcome;
  }
  /** But for what says when it was written. `written` is one of the files that the components wrote. */
  async function assertSame(hit: Outcome, miss: Outcome, written: string): Promise<void> {
    const [one, two] = [await read(hit), await read(miss)];
    assert.match(one.tree.get(written) ?? '', / [0-9a-f]{32}$/);
    const paths = new Set([...one.tree.keys(), ...two.tree.keys()]);
    const different = [...paths].filter((path) => one.tree.get(path) !== two.tree.get(path) && !TIMES.test(path));
    assert.deepEqual(different, []);
    assert.deepEqual(one.packages, two.packages);
    assert.deepEqual(one.enabledUnits, two.enabledUnits);
    const attributes = (lines: readonly string[]) => lines.filter((line) => !line.startsWith('./var/log/')).toSorted();
    assert.deepEqual(attributes(one.attributes), attributes(two.attributes));
  }
  const says = ({ lines }: Outcome, pattern: RegExp): boolean => lines.some((line) => pattern.test(line));
  const layers = (): readonly string[] =>
    readdirSync(join(home.path, 'images/disks')).filter((name) => /^layer-.*\.qcow2$/.test(name));

  test('what is reused gives the same files as what is made anew', async () => {
    const cold = await build('1.0.0', 'One', 'cold.qcow2');
    assert.ok(!says(cold, /is reused/));
    const plan = await kiln('plan', template, '-p', 'Recipe=1.0.1', '-p', 'Title=Two', '--executor', 'auto', '--json');
    const planned = JSON.parse(plan.lines[0] ?? '{}') as {
      readonly components: readonly { name: string; reused?: object; downloads: readonly string[] }[];
      readonly resolved: Readonly<Record<string, string>>;
      readonly seconds?: number;
    };
    const parent = Object.entries(planned.resolved).find(([from]) => from.endsWith('debian-server-12-x86/x.x.x'));
    assert.match(parent?.[1] ?? '', /^ami-[0-9a-f]{17}$/);
    assert.deepEqual(planned.components[0]?.downloads, ['packages']);
    assert.ok((planned.seconds ?? 0) > 0, 'from what the first build took');
    assert.deepEqual(
      planned.components.map(({ name, reused }) => [name, reused !== undefined]),
      [
        ['nginx', true],
        ['page', false],
      ],
      plan.lines.join('\n'),
    );
    reusing = await build('1.0.1', 'Two', 'hit.qcow2');
    assert.ok(says(reusing, /nginx is reused: it ran at/) && !says(reusing, /page is reused/));
    const miss = await build('1.0.2', 'Two', 'miss.qcow2', '--no-cache');
    assert.ok(says(miss, /Nothing is reused/) && !says(miss, /is reused: it ran/));
    await assertSame(reusing, miss, '/var/www/html/index.html');
  });

  test('the smallest example too, whose one component is not run again', async () => {
    const hello = join(home.work, 'hello.yaml');
    const image = '  HelloImage:\n    Type: AWS::ImageBuilder::Image\n    Properties:\n';
    const text = readFileSync(join(examples, 'hello/template.yaml'), 'utf8');
    assert.ok(text.includes(image));
    writeFileSync(hello, text.replace(image, `${image}      ImageTestsConfiguration: { ImageTestsEnabled: false }\n`));
    const greet = async (file: string, ...more: readonly string[]): Promise<Outcome> => {
      const outcome = await kiln('build', hello, '--executor', 'auto', '-o', join(home.work, file), ...more);
      assert.equal(outcome.code, 0, outcome.lines.slice(-40).join('\n'));
      return outcome;
    };
    await greet('hello-cold.qcow2');
    const again = await greet('hello-hit.qcow2');
    assert.ok(says(again, /LaunchBuildInstance SKIPPED/), again.lines.join('\n'));
    const miss = await greet('hello-miss.qcow2', '--no-cache');
    assert.ok(says(miss, /Nothing is reused/) && !says(miss, /SKIPPED/), miss.lines.join('\n'));
    await assertSame(again, miss, '/etc/motd');
  });

  test('the same again is the same disk under a new build version, and says so', async () => {
    const again = await build('1.0.2', 'Two', 'miss.qcow2');
    assert.ok(says(again, /LaunchBuildInstance SKIPPED/), again.lines.join('\n'));
    const arn = again.lines.join('\n').match(/arn:\S+image\/web-server\/1\.0\.2\/2/)?.[0] ?? '';
    const shown = await kiln('show', arn);
    assert.ok(says(shown, /kiln:reused +2 of 2 components, from \d{4}/), shown.lines.join('\n'));
    assert.ok(says(shown, /nginx\/1\.0\.0\/1 +direct +reused: ran /));
  });

  test('a checkpoint that is broken gives way to a cold start that gives the same image', async () => {
    const disks = join(home.path, 'images/disks');
    const before = (await read(reusing)).tree;
    for (const name of layers()) {
      const path = join(disks, name);
      const bytes = readFileSync(path);
      bytes.fill(0xff, Math.floor(bytes.length / 2));
      chmodSync(path, 0o600);
      rmSync(path);
      writeFileSync(path, bytes);
    }
    const outcome = await build('1.0.3', 'Three', 'after.qcow2');
    anew = outcome;
    assert.ok(says(outcome, /The checkpoint after nginx cannot be used and is removed: .*corrupt/));
    const tree = (await read(outcome)).tree;
    const different = [...tree].filter(([path, what]) => before.get(path) !== what && !TIMES.test(path));
    assert.deepEqual(
      different.map(([path]) => path),
      ['/var/www/html/index.html'],
    );
  });

  test('the cache says what it has, and is emptied without what images need', async () => {
    const listed = await kiln('cache', 'ls', '--json');
    const found = JSON.parse(listed.lines[0] ?? '{}') as { facts: { components: readonly { name: string }[] } };
    assert.equal(found.facts.components[0]?.name, 'nginx');
    const emptied = await kiln('cache', 'gc', '--to', '0');
    assert.match(emptied.lines[0] ?? '', /^removed [1-9]/);
    const stats = await kiln('cache', 'stats');
    assert.ok(says(stats, /^checkpoints +0$/));
    const plan = await kiln('plan', template, '-p', 'Recipe=1.0.4', '-p', 'Title=Four', '--json');
    assert.ok(!plan.lines.join().includes('ranAt'), 'nothing is left to be reused');
    const ami = /ami-[0-9a-f]{17}/.exec(said(anew.lines, /^AMI /))?.[0] ?? '';
    const exported = await kiln('export', ami, join(home.work, 'again.qcow2'));
    assert.equal(exported.code, 0, `an image that shared its layers is whole: ${exported.lines.join()}`);
  });

  test('the state before a component that failed is entered on a copy, and the corrected build goes on from it', async () => {
    const failing = join(home.work, 'failing.yaml');
    const component = (name: string, command: string) => ({
      Type: 'AWS::ImageBuilder::Component',
      Properties: {
        Name: name,
        Version: name === 'second' ? { Ref: 'Version' } : '1.0.0',
        Platform: 'Linux',
        Data: {
          'Fn::Sub': JSON.stringify({
            schemaVersion: '1.0',
            phases: [
              { name: 'build', steps: [{ name: 'Run', action: 'ExecuteBash', inputs: { commands: [command] } }] },
            ],
          }),
        },
      },
    });
    const parentImage = 'arn:$'.concat(
      '{AWS::Partition}:imagebuilder:$',
      '{AWS::Region}:aws:image/debian-server-12-x86/x.x.x',
    );
    const resources = {
      First: component('first', 'sleep 1; echo first > /root/first'),
      Second: component('second', 'echo second > /root/second; exit $'.concat('{Code}')),
      Recipe: {
        Type: 'AWS::ImageBuilder::ImageRecipe',
        Properties: {
          Name: 'failing',
          Version: { Ref: 'Version' },
          ParentImage: { 'Fn::Sub': parentImage },
          Components: ['First', 'Second'].map((id) => ({ ComponentArn: { 'Fn::GetAtt': [id, 'Arn'] } })),
        },
      },
      Infrastructure: {
        Type: 'AWS::ImageBuilder::InfrastructureConfiguration',
        Properties: { Name: 'failing', InstanceProfileName: 'x' },
      },
      Image: {
        Type: 'AWS::ImageBuilder::Image',
        Properties: {
          ImageRecipeArn: { 'Fn::GetAtt': ['Recipe', 'Arn'] },
          InfrastructureConfigurationArn: { 'Fn::GetAtt': ['Infrastructure', 'Arn'] },
          ImageTestsConfiguration: { ImageTestsEnabled: false },
        },
      },
    };
    const text = (name: string) => ({ Type: 'String', Default: name });
    const Parameters = { Version: text('1.0.0'), Code: text('3') };
    writeFileSync(
      failing,
      JSON.stringify({ AWSTemplateFormatVersion: '2010-09-09', Parameters, Resources: resources }),
    );
    const out = ['--executor', 'direct', '-o', join(home.work, 'failing.qcow2')];
    const failed = await kiln('build', failing, ...out);
    assert.equal(failed.code, 1, failed.lines.slice(-20).join('\n'));
    const arn = failed.lines.join('\n').match(/arn:\S+image\/failing\/1\.0\.0\/1/)?.[0] ?? '';
    const look = async () =>
      (await kiln('shell', arn, '--', 'ls /root; touch /root/mine')).lines.filter((line) => line !== '');
    assert.equal((await look())[0], 'first');
    assert.ok(!(await look()).includes('mine'), 'a copy that is thrown away');
    const before = await kiln('shell', arn, '--before-step', 'first', '--', 'ls -A /root/first || echo none');
    assert.equal(before.lines[0], 'none');
    const mended = await kiln('build', failing, '-p', 'Version=1.0.1', '-p', 'Code=0', '--resume', ...out);
    assert.equal(mended.code, 0, mended.lines.slice(-20).join('\n'));
    assert.ok(says(mended, /first is reused: it ran at/));
  });
});
