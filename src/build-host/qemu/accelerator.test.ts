import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { silentMonitor } from '../../util/monitor.ts';
import { run } from '../../util/spawn.ts';
import { findAccelerator, probeArguments } from './accelerator.ts';
import { PROBE_GUEST, PROBE_GUEST_EXIT_CODE } from './probe-guest/probe-guest.ts';
import { DEFAULT_PROGRAMS } from './programs.ts';

const never = new AbortController().signal;

describe('the accelerator', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kiln-accelerator-'));
  });
  after(() => rm(folder, { recursive: true }));

  test('the probe guest runs to its end when QEMU translates it', async () => {
    await writeFile(join(folder, 'guest.img'), PROBE_GUEST);
    const result = await run('qemu-system-x86_64', probeArguments('tcg'), { cwd: folder });
    assert.equal(result.code, PROBE_GUEST_EXIT_CODE, result.stderr.toString());
  });

  /** A QEMU that writes down how often it was asked, and answers a probe with an exit code. */
  async function fakeQemu(name: string, probeExitCode: number): Promise<{ program: string; calls(): Promise<string> }> {
    const program = join(folder, name);
    const log = `${program}.log`;
    await writeFile(log, '');
    await writeFile(
      program,
      `#!/bin/sh\ncase "$*" in --version) echo "QEMU ${name}" ;; *) echo probe >> ${log}; exit ${probeExitCode} ;; esac\n`,
    );
    await chmod(program, 0o700);
    return { program, calls: () => readFile(log, 'utf8') };
  }

  test('a guest that ran means KVM; the answer is remembered for this QEMU', async () => {
    const works = await fakeQemu('works', PROBE_GUEST_EXIT_CODE);
    const fails = await fakeQemu('fails', 134);
    const find = (qemuSystem: string): ReturnType<typeof findAccelerator> =>
      findAccelerator({
        programs: { ...DEFAULT_PROGRAMS, qemuSystem },
        version: 'QEMU emulator version 0',
        cacheFolder: join(folder, 'cache'),
        signal: never,
        monitor: silentMonitor,
      });
    assert.equal(await find(works.program), 'kvm');
    assert.equal(await find(works.program), 'kvm');
    assert.equal(await works.calls(), 'probe\n');
    assert.equal(await find(fails.program), 'tcg');
    assert.equal(await find(fails.program), 'tcg');
    assert.equal(await fails.calls(), 'probe\n');
  });
});
