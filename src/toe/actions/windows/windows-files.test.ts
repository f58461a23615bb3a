import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { parseComponent } from '../../../documents/parse-component.ts';
import { run } from '../../run-documents.fixture.ts';
import type { ObjectPlace } from '../../run-services.ts';
import { runSysprep } from '../../run-sysprep.ts';
import { failureOf, type Invocation, outputsOf, runOn, simulatedWindows } from '../simulated-windows.fixture.ts';

/** The values of the only invocation beside those that make and remove the working directory. */
async function valuesOf(action: string, inputs: unknown): Promise<Invocation['values']> {
  const windows = simulatedWindows();
  const result = await runOn(windows.target, action, inputs);
  assert.equal(result.status, 'success', failureOf(result));
  const [, invocation, ...rest] = windows.invocations;
  assert.equal(rest.length, 1);
  return invocation?.values ?? {};
}

const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64');

describe('file modules on Windows (simulated)', () => {
  test('content is encoded here and written as bytes', async () => {
    const create = { path: 'a\\b.txt', content: 'é', encoding: 'utf-16', overwrite: false };
    const written = { path: 'C:\\work\\a\\b.txt', content: base64(Buffer.of(0xe9, 0)), overwrite: false };
    assert.deepEqual(await valuesOf('CreateFile', [create]), written);
    const appended = { path: 'D:/x', content: base64('line') };
    assert.deepEqual(await valuesOf('AppendFile', [{ path: 'D:/x', content: 'line' }]), appended);
    assert.deepEqual(await valuesOf('CreateFolder', [{ path: 'f' }]), { path: 'C:\\work\\f', overwrite: true });
  });

  test('what is read is decoded here; SetFileEncoding writes it anew', async () => {
    const windows = simulatedWindows(({ script }) =>
      script.includes('ReadAllBytes') ? { stdout: base64('caf\u00e9') } : undefined,
    );
    assert.deepEqual(outputsOf(await runOn(windows.target, 'ReadFile', [{ path: 'a' }])), { content: 'café' });
    await runOn(windows.target, 'SetFileEncoding', [{ path: 'a', encoding: 'utf16-be' }]);
    const write = windows.invocations.findLast(({ script }) => script.includes('WriteAllBytes'));
    assert.equal(write?.values['content'], base64(Buffer.from('café', 'utf16le').swap16()));
    const latin = simulatedWindows(({ script }) =>
      script.includes('ReadAllBytes') ? { stdout: base64(Buffer.of(0xe9)) } : undefined,
    );
    assert.match(failureOf(await runOn(latin.target, 'ReadFile', [{ path: 'a' }])), /is not utf8 text/);
  });

  test('copies and moves: names, folders, wildcards', async () => {
    const common = { overwrite: true, folder: '', pattern: '' };
    assert.deepEqual(await valuesOf('CopyFile', [{ source: 'a', destination: 'new\\name' }]), {
      ...common,
      ...{ kind: 'file', verb: 'copy', source: 'C:\\work\\a', destination: 'C:\\work\\new\\name' },
    });
    assert.deepEqual(await valuesOf('MoveFolder', [{ source: 'x\\a\\', destination: 'D:\\to\\', overwrite: false }]), {
      ...common,
      ...{ kind: 'folder', verb: 'move', source: 'C:\\work\\x\\a', destination: 'D:\\to\\a', overwrite: false },
    });
    assert.deepEqual(await valuesOf('MoveFile', [{ source: 'x\\*.log', destination: 'to/' }]), {
      ...{ kind: 'file', verb: 'move', overwrite: true, source: 'C:\\work\\x\\*.log', destination: 'C:\\work\\to/' },
      ...{ folder: 'C:\\work\\x\\', pattern: '*.log' },
    });
    const { target } = simulatedWindows();
    const flat = await runOn(target, 'CopyFolder', [{ source: 'x\\*', destination: 'to' }]);
    assert.match(failureOf(flat), /must end with \\ when the source has a '\*'/);
    const early = await runOn(target, 'CopyFile', [{ source: 'x*\\y', destination: 'to\\' }]);
    assert.match(failureOf(early), /only allowed after the last separator/);
  });

  test('deleting and listing', async () => {
    const file = { path: 'C:\\work\\d\\*.tmp', folder: 'C:\\work\\d\\', pattern: '*.tmp' };
    assert.deepEqual(await valuesOf('DeleteFile', [{ path: 'd\\*.tmp' }]), file);
    assert.deepEqual(await valuesOf('DeleteFolder', [{ path: 'C:\\', force: true }]), { path: 'C:\\', force: true });
    const windows = simulatedWindows(({ script }) =>
      script.includes('Get-Paths') ? { says: 'C:\\work\\b é.log\0C:\\work\\a.log\0' } : undefined,
    );
    const listed = await runOn(windows.target, 'ListFiles', [
      { path: '.\\', fileNamePattern: '*.log', recursive: true },
    ]);
    assert.deepEqual(outputsOf(listed), { files: 'C:\\work\\a.log,C:\\work\\b é.log' });
    assert.deepEqual(windows.invocations[1]?.values, { path: 'C:\\work\\.', pattern: '*.log', recursive: true });
  });

  test('what a script says last is why the step fails', async () => {
    const { target } = simulatedWindows(({ script }) =>
      script.includes('WriteAllBytes') ? { code: 1, stderr: 'C:\\work\\x is a folder\r\n' } : undefined,
    );
    assert.equal(failureOf(await runOn(target, 'CreateFile', [{ path: 'x' }])), 'C:\\work\\x is a folder');
  });
});

describe('transfers on Windows (simulated)', () => {
  test('WebDownload goes on where it broke off, and gives up after five tries', async () => {
    let tries = 0;
    const windows = simulatedWindows(({ script }) => {
      if (!script.includes('HttpWebRequest')) return undefined;
      const headers = 'HTTP/1.1 200 OK\r\nETag: "v1"\r\n\r\n';
      return tries++ === 0 ? { code: 75, stdout: `1000 200\r\n${headers}`, stderr: 'broke off\r\n' } : { code: 0 };
    });
    const inputs = [{ source: 'https://x.test/a/tool.zip?s=1', destination: 'C:\\dl\\' }];
    const result = await runOn(windows.target, 'WebDownload', inputs);
    assert.deepEqual(outputsOf(result), { destination: 'C:\\dl\\tool.zip' });
    const [first, second] = windows.invocations.filter(({ script }) => script.includes('HttpWebRequest'));
    assert.deepEqual([first?.values['have'], first?.values['validator']], [0, '']);
    assert.deepEqual([second?.values['have'], second?.values['validator']], [1000, '"v1"']);
    assert.equal(second?.values['part'], first?.values['part']);
    const never = simulatedWindows(({ script }) =>
      script.includes('HttpWebRequest') ? { code: 75, stdout: '0 000\r\n', stderr: 'no answer\r\n' } : undefined,
    );
    assert.match(failureOf(await runOn(never.target, 'WebDownload', inputs)), /after 5 tries: no answer/);
  });

  test('S3Download and S3Upload stream through this machine', async () => {
    const body = Buffer.from('object');
    const put: [string, string][] = [];
    const objects = {
      get: async () => ({ size: body.length, body: Readable.from([body]) }),
      list: async () => ['p/a/b.txt', 'p/c.txt'],
      etags: async () => [],
      put: async (place: ObjectPlace, bytes: Uint8Array) => void put.push([place.key, Buffer.from(bytes).toString()]),
      upload: async (): Promise<never> => Promise.reject(new Error('not expected')),
    };
    const windows = simulatedWindows(({ script }) => {
      if (script.includes('OpenStandardOutput')) return { stdout: 'up' };
      return script.includes('Get-Files') ? { says: '2\0C:\\work\\up\\sub\\x.log\0' } : undefined;
    });
    const options = { services: { objects } };
    const down = [{ source: 's3://my-bucket/p/*', destination: 'in\\' }];
    assert.equal((await runOn(windows.target, 'S3Download', down, options)).status, 'success');
    const received = windows.invocations.filter(({ script }) => script.includes('OpenStandardInput'));
    assert.deepEqual(
      received.map(({ values, input }) => [values['path'], values['size'], input.split('\n')[1]]),
      [
        ['C:\\work\\in/a/b.txt', 6, 'object'],
        ['C:\\work\\in/c.txt', 6, 'object'],
      ],
    );
    const up = [{ source: 'up', destination: 's3://my-bucket/to/', recurse: true }];
    const uploaded = await runOn(windows.target, 'S3Upload', up, options);
    assert.equal(uploaded.status, 'success', failureOf(uploaded));
    assert.deepEqual(put, [['to/sub/x.log', 'up']]);
  });

  test('a key that Windows would take for another place is refused', async () => {
    for (const key of ['p/..\\..\\x', 'p/C:x', 'p/a:stream', 'p/../x']) {
      const refused = async (): Promise<never> => Promise.reject(new Error('not expected'));
      const objects = { get: refused, list: async () => [key], etags: refused, put: refused, upload: refused };
      const down = [{ source: 's3://my-bucket/p/*', destination: 'in\\' }];
      const result = await runOn(simulatedWindows().target, 'S3Download', down, { services: { objects } });
      assert.match(failureOf(result), /has a name that leads out of the destination/, key);
    }
  });
});

describe('the machine on Windows (simulated)', () => {
  test('UpdateOS installs what is wanted and reboots until nothing is left', async () => {
    const answers = ['{"installed":3,"reboot":true}', '{"installed":0,"reboot":false}'];
    const windows = simulatedWindows(({ script }) =>
      script.includes('Microsoft.Update.Session') ? { says: answers.shift() ?? '' } : undefined,
    );
    const result = await runOn(windows.target, 'UpdateOS', {
      include: ['KB5000001', 'Security*'],
      exclude: ['*Preview*'],
    });
    assert.equal(result.status, 'success', failureOf(result));
    assert.equal(windows.reboots(), 1);
    const asked = windows.invocations.filter(({ script }) => script.includes('Microsoft.Update.Session'));
    assert.deepEqual(
      asked.map(({ values }) => values),
      [
        { include: ['KB5000001', 'Security*'], exclude: ['*Preview*'] },
        { include: ['KB5000001', 'Security*'], exclude: ['*Preview*'] },
      ],
    );
  });

  test('conditions ask for files, folders, digests and programs', async () => {
    const windows = simulatedWindows(({ script, argv, values }) => {
      if (argv[0] === 'C:\\Windows\\System32\\where.exe') return { code: argv[2] === 'git' ? 0 : 1 };
      if (script.includes('Get-FileHash')) return { says: values['path'] === 'C:\\work\\a' ? 'ABCD' : '' };
      return script.includes('Test-Path -LiteralPath $in.path -PathType $in.type')
        ? { says: values['type'] === 'Leaf' ? 'True' : 'False' }
        : undefined;
    });
    const holds = async (condition: object): Promise<boolean> =>
      (await runOn(windows.target, 'Assert', condition)).status === 'success';
    assert.equal(await holds({ fileExists: 'a' }), true);
    assert.equal(await holds({ folderExists: 'a' }), false);
    assert.equal(await holds({ binaryExists: 'git' }), true);
    assert.equal(await holds({ binaryExists: 'svn' }), false);
    assert.equal(await holds({ fileSHA256Equals: 'abcd', path: 'a' }), true);
    assert.equal(await holds({ fileSHA256Equals: '', path: 'missing' }), false);
  });

  test('context and environment come from the machine', async () => {
    const windows = simulatedWindows(({ script, argv }) => {
      if (script.includes('MachineName'))
        return { says: '{"hostname":"WIN","osName":"Windows Server","osVersion":""}' };
      if (script.includes('GetEnvironmentVariables')) return { says: 'ProgramFiles(x86)=C:\\P x86\0' };
      return argv.includes('-File') ? { stdout: 'done' } : undefined;
    });
    const text =
      '{{ context:hostname }}|{{ context:osName }}|{{ context:osVersion }}|{{ context:osPlatform }}|{{ env:ProgramFiles(x86) }}';
    await runOn(windows.target, 'ExecutePowerShell', { commands: [text] });
    const write = windows.invocations.find(({ script }) => script.includes('WriteAllText'));
    assert.equal(write?.values['text'], 'WIN|Windows Server||windows|C:\\P x86\r\n');
  });

  test('ExecuteDocument reads a document of the machine, which is for Windows', async () => {
    const inner = JSON.stringify({
      schemaVersion: '1.0',
      phases: [{ name: 'build', steps: [{ name: 'P', action: 'ExecutePowerShell', inputs: { commands: ['x'] } }] }],
    });
    const windows = simulatedWindows(({ script }) =>
      script.includes('there is no document') ? { says: `c:\\work\\d.yml\n${inner}` } : undefined,
    );
    const result = await runOn(windows.target, 'ExecuteDocument', { document: 'd.yml' });
    assert.equal(result.status, 'success', failureOf(result));
    assert.ok(windows.invocations.some(({ argv }) => argv.includes('-File')));
  });

  test('modules of other systems are refused when the document is checked, and when it runs', async () => {
    const step = { name: 'S', action: 'ExecuteBash', inputs: { commands: ['x'] } };
    const text = JSON.stringify({ schemaVersion: '1.0', phases: [{ name: 'build', steps: [step] }] });
    assert.throws(() => parseComponent(text, 'D', { os: 'windows' }), /ExecuteBash does not run on Windows/);
    const documents = [{ id: 'D', document: parseComponent(text, 'D'), parameters: {} }];
    const result = await run(documents, { target: simulatedWindows().target, workingDirectory: 'C:\\work' });
    assert.match(failureOf(result), /there is no action module ExecuteBash on windows/);
  });

  test('Sysprep runs there, and its failure is told', async () => {
    const never = new AbortController().signal;
    const windows = simulatedWindows(() => ({ says: 'Sysprep left the image in the state X' }));
    assert.equal(await runSysprep(windows.target, never), 'Sysprep left the image in the state X');
    const { script = '' } = windows.invocations[0] ?? {};
    assert.match(script, /& \$new 'sysprep' '--shutdown=false' '--block'/);
    assert.match(script, /-FilePath \$own -ArgumentList '\/generalize', '\/oobe'/);
    const failing = simulatedWindows(() => ({ code: 1, stderr: 'Sysprep did not succeed: package X\r\n' }));
    await assert.rejects(runSysprep(failing.target, never), /Sysprep did not succeed: package X/);
    const linux = { ...windows.target, os: 'linux' as const };
    await assert.rejects(runSysprep(linux, never), /is for Windows/);
  });
});
