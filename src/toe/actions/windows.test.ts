import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { parseComponent } from '../../documents/parse-component.ts';
import { InvalidDocumentError } from '../../util/problem.ts';
import { failureOf, outputsOf, runOn, simulatedWindows } from './simulated-windows.fixture.ts';

describe('Windows modules (simulated)', () => {
  test('ExecutePowerShell writes one script file and runs it with Windows PowerShell', async () => {
    const windows = simulatedWindows(({ argv }) => (argv.includes('-File') ? { stdout: 'hi\r\n' } : undefined));
    const result = await runOn(windows.target, 'ExecutePowerShell', { commands: ['$a = "é"', 'Write-Output $a'] });
    assert.deepEqual(outputsOf(result), { stdout: 'hi' });
    const write = windows.invocations.find(({ script }) => script.includes('WriteAllText'));
    assert.equal(write?.values['text'], '$a = "é"\r\nWrite-Output $a\r\n');
    const execute = windows.invocations.find(({ argv }) => argv.includes('-File'));
    assert.deepEqual(execute?.argv.slice(0, -1), [
      'powershell.exe',
      '-NoLogo',
      '-NoProfile',
      '-NonInteractive',
      '-ExecutionPolicy',
      'Bypass',
      '-File',
    ]);
    assert.match(execute?.argv.at(-1) ?? '', /^C:\\work\\\.kiln-[0-9a-f]{16}\\1-input\.ps1$/);
    assert.equal(execute?.argv.at(-1), write?.values['path']);
  });

  test('nothing of the user is in a command line: values are ASCII JSON on standard input', async () => {
    const windows = simulatedWindows();
    await runOn(windows.target, 'ExecutePowerShell', { commands: ["'; Remove-Item C:\\ -Recurse # é"] });
    for (const { argv, script, input } of windows.invocations) {
      assert.equal(argv.join(' ').includes('Remove-Item C:'), false);
      assert.equal(script.includes('Remove-Item C:'), false);
      assert.match(input, /^[\x20-\x7e]*$/);
    }
  });

  test('ExecutePowerShell runs a file that is there; 3010 reboots and runs the step again', async () => {
    let runs = 0;
    const windows = simulatedWindows(({ argv }) =>
      argv.includes('-File') ? { code: runs++ === 0 ? 3010 : 0 } : undefined,
    );
    const result = await runOn(windows.target, 'ExecutePowerShell', { file: 'scripts\\a.ps1' });
    assert.equal(result.status, 'success', failureOf(result));
    assert.deepEqual([runs, windows.reboots()], [2, 1]);
    assert.equal(
      windows.invocations.find(({ argv }) => argv.includes('-File'))?.argv.at(-1),
      'C:\\work\\scripts\\a.ps1',
    );
    const failing = simulatedWindows(({ argv }) => (argv.includes('-File') ? { code: 1 } : undefined));
    assert.equal(failureOf(await runOn(failing.target, 'ExecutePowerShell', { file: 'D:\\a.ps1' })), 'exit status 1');
  });

  test('InstallMSI checks the signature, builds the line of msiexec and gives its exit code', async () => {
    const windows = simulatedWindows(({ script }) =>
      script.includes('msiexec.exe') ? { stdout: '0\r\n' } : undefined,
    );
    const inputs = {
      path: 'C:\\a b.msi',
      logFile: 'x.log',
      logOptions: 'v',
      properties: { INSTALLDIR: '"C:\\x y"', LEVEL: 3 },
    };
    const result = await runOn(windows.target, 'InstallMSI', inputs);
    assert.deepEqual(outputsOf(result), { logFile: 'x.log', msiExitCode: 0, stdout: '' });
    const [signature, msiexec] = windows.invocations.slice(1);
    assert.match(signature?.script ?? '', /Get-AuthenticodeSignature -LiteralPath \$in\.path/);
    assert.deepEqual(signature?.values, { path: 'C:\\a b.msi', allowUnsigned: false, ignoreErrors: false });
    assert.equal(
      msiexec?.values['line'],
      '/i "C:\\a b.msi" /qn /norestart /Lv "C:\\work\\x.log" INSTALLDIR="C:\\x y" LEVEL=3 REBOOT="ReallySuppress"',
    );
    assert.equal(windows.reboots(), 0);
  });

  test('the exit codes of msiexec that are a success, and those that ask for a reboot', async () => {
    const exits = (code: number) =>
      simulatedWindows(({ script }) => (script.includes('msiexec.exe') ? { stdout: `${code}\r\n` } : undefined));
    const cases: readonly (readonly [string, number, string | undefined, 'success' | 'failed', number])[] = [
      ['InstallMSI', 1641, undefined, 'success', 1],
      ['InstallMSI', 3010, 'Skip', 'success', 0],
      ['InstallMSI', 0, 'Force', 'success', 1],
      ['InstallMSI', 1603, 'Force', 'failed', 0],
      ['InstallMSI', 1605, undefined, 'failed', 0],
      ['UninstallMSI', 1605, undefined, 'success', 0],
      ['UninstallMSI', 1614, undefined, 'success', 0],
    ];
    for (const [action, code, reboot, status, reboots] of cases) {
      const windows = exits(code);
      const result = await runOn(windows.target, action, {
        path: 'C:\\a.msi',
        ...(reboot === undefined ? {} : { reboot }),
      });
      assert.deepEqual([result.status, windows.reboots()], [status, reboots], `${action} ${code}`);
    }
  });

  test('a package whose signature is not accepted is not run', async () => {
    const windows = simulatedWindows(({ script }) =>
      script.includes('AuthenticodeSignature')
        ? { code: 1, stderr: 'the signature of C:\\a.msi is not accepted: NotSigned\r\n' }
        : undefined,
    );
    assert.match(
      failureOf(await runOn(windows.target, 'InstallMSI', { path: 'C:\\a.msi' })),
      /not accepted: NotSigned/,
    );
    assert.equal(
      windows.invocations.some(({ script }) => script.includes('msiexec.exe')),
      false,
    );
  });

  test('a package comes from the web by the machine itself, from S3 through this one', async () => {
    const windows = simulatedWindows(({ script }) => (script.includes('msiexec.exe') ? { stdout: '0\n' } : undefined));
    await runOn(windows.target, 'InstallMSI', { path: 'https://x.test/a.msi' });
    const download = windows.invocations.find(({ script }) => script.includes('HttpWebRequest'));
    assert.equal(download?.values['source'], 'https://x.test/a.msi');
    const refused = async (): Promise<never> => Promise.reject(new Error('not expected'));
    const get = async () => ({ size: 3, body: Readable.from([Buffer.from('msi')]) });
    const services = { objects: { get, list: refused, put: refused, upload: refused, etags: refused } };
    const result = await runOn(windows.target, 'InstallMSI', { path: 's3://my-bucket/a.msi' }, { services });
    assert.equal(result.status, 'success', failureOf(result));
    const received = windows.invocations.find(({ script }) => script.includes('OpenStandardInput'));
    assert.match(received?.input ?? '', /\nmsi$/);
    assert.match(String(received?.values['path']), /^C:\\work\\\.kiln-[0-9a-f]+\\1-package\.msi$/);
    assert.equal(received?.values['size'], 3);
  });

  test('SetRegistry makes the key and sets values of every type', async () => {
    const windows = simulatedWindows();
    const entries = [
      { path: 'HKLM:\\SOFTWARE\\Acme', name: 'Text', value: '0755', type: 'SZ' },
      { path: 'HKEY_CURRENT_USER\\Acme', name: 'Number', value: 4294967295, type: 'DWORD' },
      { path: 'HKCR:Acme', name: 'Long', value: '0xFFFFFFFFFFFFFFFF', type: 'QWORD' },
      { path: 'hku:\\Acme', name: 'List', value: ['a', 'b'], type: 'MULTI_SZ' },
      { path: 'HKCC:', name: 'Bytes', value: '00ff', type: 'BINARY' },
    ];
    const result = await runOn(windows.target, 'SetRegistry', entries);
    assert.equal(result.status, 'success', failureOf(result));
    const values = windows.invocations
      .filter(({ script }) => script.includes('New-ItemProperty'))
      .map((each) => each.values);
    assert.deepEqual(values, [
      { path: 'Registry::HKEY_LOCAL_MACHINE\\SOFTWARE\\Acme', name: 'Text', kind: 'String', value: '0755' },
      { path: 'Registry::HKEY_CURRENT_USER\\Acme', name: 'Number', kind: 'DWord', value: '4294967295' },
      { path: 'Registry::HKEY_CLASSES_ROOT\\Acme', name: 'Long', kind: 'QWord', value: '18446744073709551615' },
      { path: 'Registry::HKEY_USERS\\Acme', name: 'List', kind: 'MultiString', value: ['a', 'b'] },
      { path: 'Registry::HKEY_CURRENT_CONFIG', name: 'Bytes', kind: 'Binary', value: [0, 255] },
    ]);
  });
});

test('inputs of Windows modules are validated everywhere', () => {
  const problemsOf = (action: string, inputs: unknown): string => {
    const text = JSON.stringify({
      schemaVersion: '1.0',
      phases: [{ name: 'build', steps: [{ name: 'S', action, inputs }] }],
    });
    try {
      parseComponent(text, 'D.yaml', { os: 'windows' });
      return '';
    } catch (error) {
      assert.ok(error instanceof InvalidDocumentError);
      return error.message;
    }
  };
  const registry = { path: 'HKLM:\\x', name: 'n', value: '1', type: 'DWORD' };
  const cases: readonly (readonly [string, unknown, RegExp])[] = [
    ['ExecutePowerShell', { commands: ['a'], file: 'b' }, /exactly one of commands and file/],
    ['ExecutePowerShell', {}, /no inputs/],
    ['InstallMSI', { path: 'a.msi', reboot: 'Sometimes' }, /cannot be 'Sometimes'/],
    ['InstallMSI', { path: 'a.msi', properties: { Reboot: 'Force' } }, /cannot set Reboot/],
    ['InstallMSI', { path: 'a.msi', properties: { 'A B': 'x' } }, /'A B' is not the name of a property/],
    ['InstallMSI', { path: 'a.msi', logOptions: 'q" & calc' }, /cannot be/],
    ['UninstallMSI', { path: '' }, /is empty/],
    ['SetRegistry', [{ ...registry, path: 'C:\\x' }], /does not begin with a registry hive/],
    ['SetRegistry', [{ ...registry, value: '1.1' }], /whole number of 32 bits/],
    ['SetRegistry', [{ ...registry, value: '4294967296' }], /whole number of 32 bits/],
    ['SetRegistry', [{ ...registry, type: 'BINARY', value: 'xyz' }], /list of bytes/],
    ['SetRegistry', [{ ...registry, type: 'WORD' }], /did you mean 'DWORD'|cannot be 'WORD'/],
  ];
  for (const [action, inputs, message] of cases)
    assert.match(problemsOf(action, inputs), message, JSON.stringify(inputs));
  assert.equal(problemsOf('SetRegistry', [registry]), '');
});
