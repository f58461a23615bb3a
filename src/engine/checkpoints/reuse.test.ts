import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, test } from 'node:test';
import { script } from '../simulated/build-bench.ts';
import { BOOT_DURATION, GOING_ON_DURATION, stepDuration } from './durations.ts';
import { A, B, note, off, openReuse } from './reuse.fixture.ts';

const { bench, world, slowBoot, build, ran } = await openReuse();

describe('checkpoints of mounted disks', () => {
  test('a build goes on where the first change is', async () => {
    assert.deepEqual(await ran(await build({ components: [A, B, note('c')], row: off })), ['a', 'b', 'c']);
    const second = await build({ components: [A, B, note('d')], row: off });
    assert.deepEqual(await ran(second), ['d']);
    const launch = bench.host.launches.at(-1);
    assert.ok(launch?.parentDisk.path.includes('layer-'));
    assert.ok((await bench.log(second)).includes('a'), 'what a wrote is on the disk');
    assert.match(String((await bench.row(second)).tags['kiln:reused']), /^2 of 3 components, from /);
    const step = await bench.store.db
      .selectFrom('workflow_step_executions')
      .select('outputs')
      .where('image_arn', '=', second)
      .where('action', '=', 'ExecuteComponents')
      .executeTakeFirstOrThrow();
    const executors = JSON.parse(String(step.outputs?.['executors'])) as readonly { reused?: { image: string } }[];
    assert.deepEqual(
      executors.map(({ reused }) => reused !== undefined),
      [true, true, false],
    );
    assert.deepEqual([...world.checkpoints.inUse], [], 'let go of');
  });

  test('one that is broken gives way to the one before it, then to a cold start', async () => {
    await build({ components: [A, B, note('c2')], row: off });
    const sorted = [...world.checkpoints.checkpoints.values()].sort((a, b) => b.layers.length - a.layers.length);
    const spoil = (index: number): void =>
      void world.checkpoints.layers.delete(sorted[index]?.layers.at(-1)?.name ?? '');
    spoil(0);
    spoil(1);
    const second = await build({ components: [A, B, note('e')], row: off });
    assert.deepEqual(await ran(second), ['b', 'e']);
    assert.ok((await bench.log(second)).some((line) => /after .* cannot be used and is removed/.test(line)));
    world.checkpoints.layers.clear();
    assert.deepEqual(await ran(await build({ components: [A, B, note('f')], row: off })), ['a', 'b', 'f']);
  });

  test('one from which no instance starts is removed, and the build begins anew', async () => {
    await build({ components: [A, B], row: off });
    bench.host.faults.launch = async ({ parentDisk }) => {
      if (parentDisk.path.includes('layer-')) throw new Error('mount: wrong fs type');
    };
    const second = await build({ components: [A, note('g')], row: off });
    delete bench.host.faults.launch;
    assert.deepEqual(await ran(second), ['a', 'g']);
    assert.ok((await bench.log(second)).some((line) => line.endsWith('wrong fs type')));
  });

  test('auto goes on from them too, and what ran before a boot is kept', async () => {
    const failing = note('h', 'exit 1');
    await assert.rejects(build({ components: [A, failing], row: off }, 'auto'), /exit status 1/);
    const second = await build({ components: [A, note('i')], row: off }, 'auto');
    assert.deepEqual(await ran(second), ['i']);
  });

  test('what a component makes differently each time is never reused, nor what comes after it', async () => {
    const varying = note('j', 'echo $IMAGE_BUILD_VERSION_ARN');
    await build({ components: [A, varying, B], row: off });
    const second = await build({ components: [A, varying, B], row: off });
    assert.deepEqual(await ran(second), ['j', 'b']);
    assert.ok((await bench.log(second)).some((line) => /runs in every build.*IMAGE_BUILD_VERSION_ARN/.test(line)));
  });

  test('what the author of a component says is never to be reused is not, nor what comes after it', async () => {
    // The same key in both builds, though it does something else each time: only its author knows.
    const random = note('s', 'od -An -N8 -tx1 /dev/urandom');
    const own = { components: [random, B], componentTags: { 'kiln:cache': 'never' }, row: off };
    await build(own);
    const second = await build(own);
    assert.deepEqual(await ran(second), ['s', 'b']);
    assert.ok(!(await bench.row(second)).tags['kiln:reused-from']);
  });

  test('two builds that make one checkpoint at once are both right, and one of it stays', async () => {
    const components = (last: string) => ({ components: [note('ta'), note('tb'), note(last)], row: off });
    const both = await Promise.all([build(components('tc')), build(components('td'))]);
    for (const [index, arn] of both.entries()) {
      const done = await ran(arn);
      // One that is late may go on from what the other left.
      assert.deepEqual(done, ['ta', 'tb', index === 0 ? 'tc' : 'td'].slice(-done.length));
    }
    const third = await build(components('te'));
    assert.deepEqual(await ran(third), ['te']);
    assert.ok((await bench.log(third)).includes('ta') && (await bench.log(third)).includes('tb'), 'on its disk');
    assert.deepEqual([...world.checkpoints.inUse], []);
    const named = new Set(
      [...world.checkpoints.checkpoints.values()].flatMap(({ layers }) => layers.map(({ name }) => name)),
    );
    assert.deepEqual(
      [...world.checkpoints.layers.keys()].filter((name) => !named.has(name)),
      [],
      'nothing is left over',
    );
  });

  test('of what is too old only the beginning that is not is reused', async () => {
    await build({ components: [A, B], row: off });
    world.hoursAhead = 30;
    assert.deepEqual(await ran(await build({ components: [A, note('k')], row: off })), ['a', 'k']);
    world.hoursAhead = 31;
    const hour = { 'kiln:cache': '30m' } as never;
    assert.deepEqual(await ran(await build({ components: [A, note('l')], row: { ...off, tags: hour } })), ['a', 'l']);
    assert.deepEqual(await ran(await build({ components: [A, note('m')], row: off })), ['m']);
  });

  test('a checkpoint that cannot be written is none, and the build goes on', async () => {
    world.checkpoints.faults.put = async () => {
      throw new Error('there is no space left on the disk');
    };
    const first = await build({ components: [A, note('n')], row: off });
    assert.ok((await bench.log(first)).some((line) => /^No checkpoint after .*no space left/.test(line)));
    delete world.checkpoints.faults.put;
    assert.deepEqual(await ran(await build({ components: [A, note('o')], row: off })), ['a', 'o']);
    world.checkpoints.checkpoints.clear();
    world.checkpoints.faults.paused = '0.1 GiB are free';
    const third = await build({ components: [A, note('p')], row: off });
    assert.ok((await bench.log(third)).includes('No checkpoints are made: 0.1 GiB are free'));
    assert.equal(world.checkpoints.checkpoints.size, 0);
  });

  test('nothing is left of layers that no checkpoint names', async () => {
    world.checkpoints.faults.put = async () => {
      throw new Error('no');
    };
    await build({ components: [A, note('q')], row: off });
    assert.deepEqual([...world.checkpoints.layers], []);
  });
});

describe('checkpoints of machines', () => {
  const long = (name: string): string =>
    script({
      build: `: takes 30 s; cat $HOME/disk/log 2>/dev/null || true; echo ${name} >> $HOME/disk/log; echo ran ${name}`,
    });

  test('a build goes on with the machine as it was after the last component that is the same', async () => {
    const first = await build({ components: [long('va'), long('vb')], row: off }, 'vm');
    assert.deepEqual(await ran(first), ['va', 'vb']);
    const second = await build({ components: [long('va'), long('vc')], row: off }, 'vm');
    assert.deepEqual(await ran(second), ['vc']);
    const launch = bench.host.launches.at(-1);
    assert.ok(launch?.resumeFrom?.endsWith('.machine') && launch.parentDisk.path.includes('layer-'));
    assert.ok((await bench.log(second)).includes('va'), 'what va wrote is on its disk');
  });

  test('one that cannot go on gives way to a boot; its checkpoint is no disk for others', async () => {
    await build({ components: [long('vd'), long('ve')], row: off }, 'vm');
    bench.host.faults.launch = async ({ resumeFrom }) => {
      if (resumeFrom !== undefined) throw new Error('qemu was 7.2 and is 8.0');
    };
    const second = await build({ components: [long('vd'), long('vf')], row: off }, 'vm');
    delete bench.host.faults.launch;
    assert.deepEqual(await ran(second), ['vd', 'vf']);
    assert.ok((await bench.log(second)).some((line) => line.endsWith('qemu was 7.2 and is 8.0')));
    assert.deepEqual(await ran(await build({ components: [long('vd'), note('vg')], row: off })), ['vd', 'vg']);
  });

  test('a machine that cannot be kept goes on all the same', async () => {
    bench.host.faults.checkpointMachine = async () => {
      throw new Error('there is no space left on the disk');
    };
    const first = await build({ components: [long('vh'), note('vi')], row: off }, 'vm');
    delete bench.host.faults.checkpointMachine;
    assert.ok((await bench.log(first)).some((line) => /^No checkpoint after .*no space left/.test(line)));
    assert.deepEqual([...world.checkpoints.layers], []);
  });

  test('a machine is kept when that pays for as much memory as it has, and there is room for all of it', async () => {
    const GIB = 1024 ** 3;
    const components = (last: string) => ({ components: [long('vm'), note(last)], row: off });
    bench.host.faults.memoryInUse = 16 * GIB;
    try {
      await build(components('vn'), 'vm');
      assert.deepEqual([...world.checkpoints.checkpoints], [], '30 s are soon done');
      bench.host.faults.memoryInUse = 4 * GIB;
      world.checkpoints.faults.roomBytes = 3 * GIB;
      const second = await build(components('vo'), 'vm');
      assert.ok((await bench.log(second)).includes(`No checkpoints are made: ${4 * GIB} bytes are too many`));
      assert.deepEqual([...world.checkpoints.layers], []);
      world.checkpoints.faults.roomBytes = 5 * GIB;
      await build(components('vp'), 'vm');
      assert.deepEqual(await ran(await build(components('vq'), 'vm')), ['vq']);
    } finally {
      delete bench.host.faults.memoryInUse;
    }
  });

  test('a machine that has booted is kept for every recipe on its parent', async () => {
    bench.host.faults.launch = slowBoot;
    await build({ components: [note('vj')], row: off }, 'vm');
    assert.ok((world.noted.get(BOOT_DURATION) ?? 0) >= 40 && !world.noted.has(GOING_ON_DURATION));
    const second = await build({ components: [note('vk')], row: off }, 'vm');
    delete bench.host.faults.launch;
    assert.ok((await bench.log(second)).includes('A machine that has booted ami-00000000000000001 goes on'));
    assert.deepEqual(await ran(second), ['vk']);
    assert.ok((world.noted.get(GOING_ON_DURATION) ?? 40) < 40 && !world.noted.has(BOOT_DURATION));
    assert.ok(!world.noted.has(stepDuration('LaunchInstance', 'vm')));
  });

  test('a machine that is kept for later builds has its boot behind it', async () => {
    const order: string[] = [];
    Object.assign(bench.host.faults, {
      launch: slowBoot,
      bootEnds: async () => void order.push('the boot has ended'),
      checkpointMachine: async () => void order.push('kept'),
    });
    try {
      await build({ components: [script({ build: 'echo vr', test: 'echo vr' })] }, 'vm');
    } finally {
      for (const fault of ['launch', 'bootEnds', 'checkpointMachine'] as const) delete bench.host.faults[fault];
    }
    // The second one is of the test instance, which is not kept waiting.
    assert.deepEqual(order, ['the boot has ended', 'kept', 'kept']);
  });

  test('other tests of the same disk run on the machine as it was after its first boot', async () => {
    bench.host.faults.launch = slowBoot;
    const tested = (text: string) => [script({ build: 'echo vl', test: `echo ${text}` })];
    const first = await build({ components: tested('one') });
    const reused = (await bench.row(first)).tags['kiln:reused'];
    const second = await build({ components: tested('two') });
    delete bench.host.faults.launch;
    const launch = bench.host.launches.at(-1);
    assert.ok(launch?.resumeFrom !== undefined && launch.executor === 'vm');
    assert.ok((await bench.log(second)).includes('two'));
    assert.equal(reused, '0 of 1 components');
    assert.match(String((await bench.row(second)).tags['kiln:reused']), /^1 of 1 components/);
  });
});

describe('a parent that was removed between two builds', () => {
  /** Another image of the same disk, as an import of the same file is. */
  const addParent = (digit: string): { readonly parentImage: string } => {
    const amiId = `ami-${digit.repeat(17)}`;
    const [base] = bench.images.images.values();
    assert.ok(base !== undefined);
    bench.images.images.set(amiId, { ...base, amiId, source: 'import-of-tests' });
    return { parentImage: amiId };
  };

  test('takes its checkpoints and its images along: a build on another one of the same disk begins anew', async () => {
    const [first, second] = [addParent('a'), addParent('b')];
    const components = [note('ga'), note('gb'), note('gc')];
    await build({ components, recipe: first, row: off });
    bench.images.images.delete(first.parentImage);
    assert.ok(world.checkpoints.checkpoints.size > 0, 'left behind, as by a removal that was cut short');
    const onSecond = await build({ components, recipe: second, row: off });
    assert.deepEqual(await ran(onSecond), ['ga', 'gb', 'gc']);
    assert.equal((await bench.row(onSecond)).tags['kiln:reused'], '0 of 3 components');
    await assert.rejects(build({ components, recipe: first, row: off }), /is not in the image store/);
    const third = await build({ components: [note('ga'), note('gd')], recipe: second, row: off });
    assert.deepEqual(await ran(third), ['gd'], 'those of the second are in their place');
  });

  test('leaves no machine that could go on', async () => {
    const [first, second] = [addParent('c'), addParent('d')];
    bench.host.faults.launch = slowBoot;
    await build({ components: [note('ge')], recipe: first, row: off }, 'vm');
    bench.images.images.delete(first.parentImage);
    world.checkpoints.layers.clear();
    const onSecond = await build({ components: [note('gf')], recipe: second, row: off }, 'vm');
    delete bench.host.faults.launch;
    assert.equal(bench.host.launches.at(-1)?.resumeFrom, undefined);
    assert.ok((await bench.log(onSecond)).some((line) => /after the boot cannot be used and is removed/.test(line)));
    assert.deepEqual(await ran(onSecond), ['gf']);
  });
});

describe('what user data did when a machine booted', () => {
  const userDataOverride = Buffer.from('#cloud-config\npackage_upgrade: true\n').toString('base64');
  const recipe = { additionalInstanceConfiguration: { userDataOverride } };
  const hint = (text: string) => ({ row: { ...off, tags: { 'kiln:cache': text } as never } });
  const again = async (arn: string): Promise<boolean> =>
    (await bench.log(arn)).some((line) => /user data runs again: what it did is .* old and counts for/.test(line));
  const resumed = (): boolean => bench.host.launches.at(-1)?.resumeFrom !== undefined;
  const long = (name: string): string => script({ build: `: takes 30 s; echo ran ${name}` });
  const forever = { componentTags: { 'kiln:cache': 'forever' } };

  test('counts for a day, or as long as the build says, and then it boots again', async () => {
    bench.host.faults.launch = slowBoot;
    await build({ components: [note('ua')], recipe, row: off }, 'vm');
    world.hoursAhead = 23;
    await build({ components: [note('ub')], recipe, row: off }, 'vm');
    assert.ok(resumed());
    const short = await build({ components: [note('uc')], recipe, ...hint('1h') }, 'vm');
    assert.ok(!resumed() && (await again(short)));
    world.hoursAhead = 46;
    await build({ components: [note('ud')], recipe, row: off }, 'vm');
    assert.ok(resumed(), 'the one that the build before had booted');
    world.hoursAhead = 48;
    const late = await build({ components: [note('ue')], recipe, row: off }, 'vm');
    assert.ok(!resumed() && (await again(late)));
    world.hoursAhead = 96;
    await build({ components: [note('uf')], recipe, ...hint('forever') }, 'vm');
    delete bench.host.faults.launch;
    assert.ok(resumed());
  });

  test('is as old in what came after it, whatever authors of components say', async () => {
    await build({ components: [long('ug'), long('uh')], ...forever, recipe, row: off }, 'vm');
    world.hoursAhead = 23;
    const second = await build({ components: [long('ug'), long('ui')], ...forever, recipe, row: off }, 'vm');
    assert.deepEqual(await ran(second), ['ui']);
    // The second image and its boot are not younger than the machine that it went on with.
    world.hoursAhead = 25;
    const third = await build({ components: [long('ug'), long('ui')], ...forever, recipe, row: off }, 'vm');
    assert.deepEqual(await ran(third), ['ug', 'ui']);
    assert.ok(await again(third));
    const whole = await build({ components: [long('ug'), long('ui')], ...forever, recipe, row: off }, 'vm');
    assert.deepEqual(await ran(whole), []);
    world.hoursAhead = 50;
    const fifth = await build({ components: [long('ug'), long('ui')], ...forever, recipe, row: off }, 'vm');
    assert.deepEqual(await ran(fifth), ['ug', 'ui']);
  });

  test('is nothing where no machine booted, or without user data', async () => {
    await build({ components: [note('uj')], ...forever, recipe, row: off });
    bench.host.faults.launch = slowBoot;
    await build({ components: [note('uk')], row: off }, 'vm');
    world.hoursAhead = 500;
    assert.deepEqual(await ran(await build({ components: [note('uj')], ...forever, recipe, row: off })), []);
    await build({ components: [note('ul')], row: off }, 'vm');
    delete bench.host.faults.launch;
    assert.ok(resumed());
  });

  test('is as old when a build booted midway', async () => {
    const needs = (name: string): string => note(name, '[ -n "$HOME" ] || systemctl start nothing');
    bench.host.faults.boot = () => slowBoot();
    await build({ components: [A, needs('um')], recipe, row: off }, 'auto');
    world.hoursAhead = 23;
    await build({ components: [A, needs('un')], recipe, row: off }, 'auto');
    assert.ok(resumed());
    const short = await build({ components: [A, needs('uo')], recipe, ...hint('22h') }, 'auto');
    delete bench.host.faults.boot;
    assert.ok(!resumed() && (await again(short)));
  });
});

describe('package repositories', () => {
  const DEBIAN = 'http://debian.example/dists/stable/InRelease';
  const DOCKER = 'http://docker.example/dists/stable/InRelease';
  const long = (name: string, extra: string): string => script({ build: `: takes 30 s; ${extra}; echo ran ${name}` });
  const apt = (name: string): string => long(name, ': apt-get install x');
  const serve = (url: string, content: string): void => {
    world.served[url] = { status: 200, headers: {}, body: Buffer.from(content) };
  };
  /** Machines whose list is that of Debian, and that of Docker once a component has added it. */
  beforeEach(() => {
    const added = new Set<string>();
    bench.host.faults.answer = async (instanceId, { argv, stdin, onStdout }) => {
      if (`${argv.join(' ')} ${stdin}`.includes('adds a list')) added.add(instanceId);
      if (!argv.some((word) => word.includes('for file in sources.list'))) return undefined;
      const names = ['debian', ...(added.has(instanceId) ? ['docker'] : [])];
      onStdout?.(Buffer.from(names.map((name) => `\x1e${name}.list\ndeb http://${name}.example stable x\n`).join('')));
      return { code: 0 };
    };
    serve(DEBIAN, 'one');
    serve(DOCKER, 'one');
  });
  const changed = async (arn: string, url: string): Promise<boolean> =>
    (await bench.log(arn)).some((line) => line.includes(`the package repository ${url} has changed`));

  for (const executor of ['direct', 'vm']) {
    test(`that change make stale what used them, and nothing before it (${executor})`, async () => {
      const components = [long(`${executor} plain`, ':'), apt(`${executor} apt`)];
      await build({ components, row: off }, executor);
      assert.deepEqual(await ran(await build({ components, row: off }, executor)), [], 'unchanged');
      serve(DEBIAN, 'two');
      const third = await build({ components, row: off }, executor);
      assert.deepEqual(await ran(third), [`${executor} apt`]);
      assert.ok(await changed(third, DEBIAN));
    });

    test(`that a component adds are those of what comes after it (${executor})`, async () => {
      // Nothing in it says that it has to do with packages.
      const components = [long(`${executor} adds`, ': adds a list'), apt(`${executor} installs`)];
      await build({ components, row: off }, executor);
      serve(DOCKER, 'two');
      const second = await build({ components, row: off }, executor);
      assert.deepEqual(await ran(second), [`${executor} installs`]);
      assert.ok(await changed(second, DOCKER));
    });

    test(`that a component adds are its own when it uses packages (${executor})`, async () => {
      const components = [long(`${executor} both`, ': apt-get install curl; : adds a list; : apt-get install docker')];
      await build({ components, row: off }, executor);
      serve(DOCKER, 'two');
      const second = await build({ components, row: off }, executor);
      assert.deepEqual(await ran(second), [`${executor} both`]);
      assert.ok(await changed(second, DOCKER));
    });
  }

  test('that change between two components are noted as they were before the first', async () => {
    const components = [apt('q1'), apt('q2')];
    bench.host.faults.command = async (_, { argv, stdin }) => {
      if (`${argv.join(' ')} ${stdin}`.includes('ran q1')) serve(DEBIAN, 'two');
    };
    await build({ components, row: off });
    const second = await build({ components, row: off });
    assert.deepEqual(await ran(second), ['q1', 'q2']);
  });
});

describe('checkpoints of builds that boot midway', () => {
  /** Says before it runs that it needs a machine. */
  const needs = (name: string, extra = ''): string => note(name, `${extra}\n[ -n "$HOME" ] || systemctl start nothing`);
  const booted = (lines: readonly string[]): boolean => lines.some((line) => line.startsWith('Booting the disk'));

  test('the machine is kept as it was after the boot, and goes on when what comes first is another', async () => {
    bench.host.faults.boot = () => slowBoot();
    const first = await build({ components: [A, needs('x1'), note('x2')], row: off }, 'auto');
    delete bench.host.faults.boot;
    assert.deepEqual(await ran(first), ['a', 'x1', 'x2']);
    assert.ok((world.noted.get(BOOT_DURATION) ?? 0) >= 40);
    assert.ok(booted(await bench.log(first)));
    const machines = [...world.checkpoints.checkpoints.values()].filter(({ hasMachine }) => hasMachine);
    assert.deepEqual(
      machines.map(({ facts }) => (facts['components'] as readonly object[]).length),
      [1],
      'after the boot; what ran later was too quick',
    );
    const second = await build({ components: [A, needs('x3')], row: off }, 'auto');
    assert.deepEqual(await ran(second), ['x3']);
    assert.ok(bench.host.launches.at(-1)?.resumeFrom?.endsWith('.machine'), 'no mount, and no boot');
    assert.ok((await bench.log(second)).includes('a'), 'what a wrote is on its disk');
    assert.equal((await bench.row(second)).tags['kiln:ran-on'], 'direct, vm');
    // What needs no machine goes on with the disk.
    const third = await build({ components: [A, note('x4')], row: off }, 'auto');
    assert.deepEqual(await ran(third), ['x4']);
    assert.equal(bench.host.launches.at(-1)?.resumeFrom, undefined);
    assert.equal((await bench.row(third)).tags['kiln:ran-on'], 'direct');
    assert.deepEqual([...world.checkpoints.inUse], [], 'let go of');
  });

  test('a need that shows only when it runs finds the machine too; one that cannot go on is booted', async () => {
    // A second failure of the same kind in a row: without a running system it fails, on a machine it does not.
    const shows = (name: string): string => note(name, '[ -e $HOME/disk/log ] && [ -e $HOME/machine ] || exit 3');
    const seen: (string | undefined)[] = [];
    bench.host.faults.boot = async (instanceId, _context, goingOn) => {
      seen.push(goingOn?.state);
      if (goingOn === undefined) await slowBoot();
      const instance = bench.host.instances.get(instanceId);
      await writeFile(join(instance?.folder ?? '', 'machine'), '');
    };
    await build({ components: [A, shows('y1')], row: off }, 'auto');
    const second = await build({ components: [A, shows('y2')], row: off }, 'auto');
    assert.deepEqual(
      seen.map((state) => state?.endsWith('.machine')),
      [undefined, true],
    );
    assert.ok(
      (await bench.log(second)).some((line) => /A machine goes on that an earlier build had booted/.test(line)),
    );
    assert.deepEqual(await ran(second), ['y2']);
    bench.host.faults.boot = async (instanceId, _context, goingOn) => {
      if (goingOn !== undefined) throw new Error('qemu was 7.2 and is 8.0');
      const instance = bench.host.instances.get(instanceId);
      await writeFile(join(instance?.folder ?? '', 'machine'), '');
    };
    const third = await build({ components: [A, shows('y3')], row: off }, 'auto');
    delete bench.host.faults.boot;
    assert.deepEqual(await ran(third), ['y3']);
    assert.ok((await bench.log(third)).some((line) => line.endsWith('qemu was 7.2 and is 8.0')));
    assert.ok(
      [...world.checkpoints.checkpoints.values()].every(({ hasMachine }) => hasMachine !== true),
      'removed',
    );
    assert.deepEqual([...world.checkpoints.inUse], []);
  });

  test('a new recipe whose first component needs a machine finds one that has booted the parent', async () => {
    bench.host.faults.boot = () => slowBoot();
    await build({ components: [needs('z1')], row: off }, 'auto');
    delete bench.host.faults.boot;
    const second = await build({ components: [needs('z2')], row: off }, 'auto');
    assert.ok(bench.host.launches.at(-1)?.resumeFrom !== undefined);
    assert.deepEqual(await ran(second), ['z2']);
    const cold = await build(
      { components: [needs('z2')], row: { ...off, tags: { 'kiln:cache': 'never' } as never } },
      'auto',
    );
    assert.ok(booted(await bench.log(cold)), 'nothing is gone on with against the word of the image');
  });

  test('the state before a component that fails on the machine is that machine', async () => {
    bench.host.faults.boot = () => slowBoot();
    const { executors, ...state } = await failed([A, needs('w1', 'exit 1')], 'auto');
    delete bench.host.faults.boot;
    assert.deepEqual(state, { hasMachine: true, holds: ['a'], lacks: [] });
    assert.deepEqual(
      executors.map(({ failed: it }) => it),
      [undefined, true],
    );
  });

  test('what ran on the machine since, too quickly to be kept, is on record', async () => {
    bench.host.faults.boot = () => slowBoot();
    bench.host.faults.launch = slowBoot;
    const bad = (name: string): string => needs(name, 'exit 1');
    const auto = await failed([A, needs('w2'), bad('w3')], 'auto');
    assert.deepEqual([auto.hasMachine, auto.holds, auto.lacks], [true, ['a'], ['w2']]);
    const long = needs('w4', ': takes 9 s');
    const vm = await failed([note('w5'), long, note('w6'), note('w7'), bad('w8')], 'vm');
    assert.deepEqual([vm.hasMachine, vm.holds, vm.lacks], [true, ['w5', 'w4'], ['w6', 'w7']]);
    const first = await failed([note('w9'), bad('w10')], 'vm');
    assert.deepEqual([first.hasMachine, first.holds, first.lacks], [true, [], ['w9']]);
    bench.host.faults.checkpointMachine = async () => {
      throw new Error('there is no space left on the disk');
    };
    const disk = await failed([note('w11'), needs('w12'), bad('w13')], 'auto');
    for (const name of ['boot', 'launch', 'checkpointMachine'] as const) delete bench.host.faults[name];
    assert.deepEqual([disk.hasMachine, disk.holds, disk.lacks], [undefined, ['w11'], ['w12']]);
  });

  /** Builds what fails; gives what it says of the state before that, components by what they note. */
  async function failed(components: readonly string[], executor: string) {
    await assert.rejects(build({ components, row: off }, executor), /exit status 1/);
    const { outputs } = await bench.store.db
      .selectFrom('workflow_step_executions')
      .select('outputs')
      .where('action', '=', 'ExecuteComponents')
      .where('status', '=', 'FAILED')
      .orderBy('started_at', 'desc')
      .executeTakeFirstOrThrow();
    const executors: readonly { component: string; failed?: boolean }[] = JSON.parse(String(outputs?.['executors']));
    const lacks: readonly { component: string }[] = JSON.parse(String(outputs?.['stateLacks'] ?? '[]'));
    const kept = world.checkpoints.checkpoints.get(String(outputs?.['stateBefore']));
    const names = (list: unknown): readonly string[] =>
      (list as readonly { component: string }[]).map(({ component }) => {
        const index = executors.findIndex((one) => one.component === component);
        return /echo ran (\w+)/.exec(components[index] ?? '')?.[1] ?? component;
      });
    return { hasMachine: kept?.hasMachine, holds: names(kept?.facts['components']), lacks: names(lacks), executors };
  }
});
