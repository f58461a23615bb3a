import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { parseComponent } from '../documents/parse-component.ts';
import { capture } from './capture.ts';
import { runDocuments } from './run-documents.ts';
import type { DocumentRunResult, StepResult } from './run-documents.types.ts';
import type { Target } from './target.ts';

export interface ActionSuite {
  /** Called once before the tests; `release` after them. The user of the target is root where `root` says so. */
  makeTarget(): Promise<{ readonly target: Target; release(): Promise<void> }>;
  /** Whether owners can be changed. */
  readonly root: boolean;
}

/** What the action modules do, observed on a real target. Every driver of {@link Target} runs it. */
export function describeActions(name: string, suite: ActionSuite): void {
  describe(`action modules: ${name}`, () => {
    let made: Awaited<ReturnType<ActionSuite['makeTarget']>> | undefined;
    let folder = '';
    before(async () => {
      made = await suite.makeTarget();
      folder = (await shell('mktemp -d /tmp/kiln-actions-XXXXXX')).trim();
    });
    after(async () => {
      if (folder !== '') await shell('rm -rf -- "$1"', folder);
      await made?.release();
    });
    const target = (): Target => {
      assert.ok(made !== undefined);
      return made.target;
    };
    /** Runs a command in the test's folder and gives what it printed. */
    const shell = async (script: string, ...args: string[]): Promise<string> => {
      const argv = ['sh', '-c', script, 'sh', ...args] as const;
      const { signal } = new AbortController();
      const { code, stdout, stderr } = await capture(target(), {
        argv,
        signal,
        ...(folder === '' ? {} : { cwd: folder }),
      });
      assert.equal(code, 0, stderr);
      return stdout;
    };
    /** Runs steps `[action, inputs]` as one phase. */
    const run = async (...steps: readonly (readonly [string, unknown])[]): Promise<DocumentRunResult> => {
      const text = JSON.stringify({
        schemaVersion: '1.0',
        phases: [
          { name: 'build', steps: steps.map(([action, inputs], index) => ({ name: `S${index}`, action, inputs })) },
        ],
      });
      return runDocuments({
        executionId: 'suite',
        documents: [{ id: 'suite.yaml', document: parseComponent(text, 'suite.yaml'), parameters: {} }],
        phases: undefined,
        target: target(),
        environment: { LC_ALL: 'C' },
        workingDirectory: folder,
        accountId: '111122223333',
        region: 'eu-west-1',
        signal: new AbortController().signal,
        monitor: { line: () => {}, stepStarted: () => {}, stepEnded: () => {} },
      });
    };
    const succeed = async (...steps: readonly (readonly [string, unknown])[]): Promise<readonly StepResult[]> => {
      const result = await run(...steps);
      assert.equal(result.status, 'success', result.firstFailure?.errorMessage);
      return result.documents[0]?.phases[0]?.steps ?? [];
    };
    const fail = async (message: RegExp, ...steps: readonly (readonly [string, unknown])[]): Promise<void> => {
      const result = await run(...steps);
      assert.match(result.firstFailure?.errorMessage ?? 'no step failed', message);
    };

    test('ExecuteBash runs all commands as one script and gives stdout without its last line end', async () => {
      const commands = [
        'cd /',
        'x="a  b"',
        'false',
        'echo "$PWD $x"',
        'echo "it\'s \\"é\\"" && echo to-log >&2',
        'echo; echo',
      ];
      const [step] = await succeed(['ExecuteBash', { commands }]);
      assert.deepEqual(step?.outputs, [{ stdout: '/ a  b\nit\'s "é"\n\n' }]);
    });

    test('ExecuteBash has bash, no input, and fails with the status of the last command', async () => {
      await succeed(['ExecuteBash', { commands: ['[[ -n $BASH_VERSION ]]', '! read -r line', 'echo $((2**10))'] }]);
      await fail(/^exit status 3$/, ['ExecuteBash', { commands: ['echo one', 'exit 3', 'echo two'] }]);
    });

    test('ExecuteBash leaves no script behind, also when it fails', async () => {
      await run(['ExecuteBash', { commands: ['exit 1'] }]);
      await succeed(['ExecuteBash', { commands: ['true'] }]);
      assert.equal(await shell('ls -A | grep kiln || :'), '');
    });

    test('ExecuteBinary gives arguments as they are and finds names in PATH', async () => {
      const args = ['%s|', 'a b', "it's", '', '$HOME', '*', 'a\nb'];
      const [step] = await succeed(['ExecuteBinary', { path: 'printf', arguments: args }]);
      assert.deepEqual(step?.outputs, [{ stdout: "a b|it's||$HOME|*|a\nb|" }]);
      await fail(/^exit status 127$/, ['ExecuteBinary', { path: 'kiln-no-such-program' }]);
    });

    test('ExecuteBinary takes a relative path from the working directory', async () => {
      await shell('mkdir -p "bin dir" && printf "#!/bin/sh\\npwd" > "bin dir/tool" && chmod 700 "bin dir/tool"');
      const [step] = await succeed(['ExecuteBinary', { path: 'bin dir/tool' }]);
      assert.deepEqual(step?.outputs, [{ stdout: folder }]);
    });

    test('CreateFile makes folders, writes content as it is and minds the umask', async () => {
      const content = 'a\n\'b\' "c" $d `e` \\n é\n';
      await succeed([
        'CreateFile',
        [
          { path: 'new dir/sub/it\'s "it"', content },
          { path: 'mode', permissions: '0755' },
        ],
      ]);
      assert.equal(await shell('cat "new dir/sub/it\'s \\"it\\""'), content);
      assert.equal(await shell('umask 022; stat -c %a mode "new dir/sub/"*'), '755\n644\n');
    });

    test('CreateFile overwrites, or fails where it must not', async () => {
      await succeed([
        'CreateFile',
        [
          { path: 'over', content: 'long content' },
          { path: 'over', content: 'x' },
        ],
      ]);
      assert.equal(await shell('cat over'), 'x');
      await fail(/over exists and overwrite is false/, ['CreateFile', [{ path: 'over', overwrite: false }]]);
      await fail(/is a folder/, ['CreateFile', [{ path: folder }]]);
    });

    test('CreateFile keeps the mode of a file that exists unless one is given', async () => {
      await shell(': > kept && chmod 600 kept');
      await succeed(['CreateFile', [{ path: 'kept', content: 'x' }]]);
      assert.equal(await shell('stat -c %a kept'), '600\n');
      await succeed(['CreateFile', [{ path: 'kept', content: 'x', permissions: 640 }]]);
      assert.equal(await shell('stat -c %a kept'), '640\n');
    });

    test('AppendFile appends to a file that exists, and to no other', async () => {
      await succeed(
        ['CreateFile', [{ path: 'log', content: 'one' }]],
        ['AppendFile', [{ path: 'log', content: '\ntwo' }]],
      );
      assert.equal(await shell('cat log'), 'one\ntwo');
      await fail(/there is no file/, ['AppendFile', [{ path: 'nothing', content: 'x' }]]);
    });

    test('ReadFile gives back what CreateFile wrote, in every encoding', async () => {
      const content = 'é€𝄞\nline\n';
      for (const encoding of ['utf8', 'UTF-16', 'utf16-BE', 'utf-32-le', 'UTF32-be']) {
        const [, step] = await succeed(
          ['CreateFile', [{ path: 'encoded', content, encoding }]],
          ['ReadFile', [{ path: 'encoded', encoding }]],
        );
        assert.deepEqual(step?.outputs, [{ content }], encoding);
      }
      assert.equal(await shell('head -c 4 encoded | od -An -tx1'), ' 00 00 00 e9\n');
    });

    test('ReadFile reads several files one after the other, and only text', async () => {
      await shell('printf a > r1; printf b > r2; printf "\\377" > r3');
      const [step] = await succeed(['ReadFile', [{ path: 'r1' }, { path: 'r2' }]]);
      assert.deepEqual(step?.outputs, [{ content: 'a\nb' }]);
      await fail(/is not utf8 text/, ['ReadFile', [{ path: 'r3' }]]);
      await fail(/there is no file/, ['ReadFile', [{ path: 'r4' }]]);
    });

    test('CreateFolder makes parents and never deletes what is there', async () => {
      await succeed(['CreateFolder', [{ path: 'f/g h/', permissions: '0750' }]]);
      assert.equal(await shell('stat -c %a "f/g h"'), '750\n');
      await shell(': > "f/g h/keep"');
      await succeed(['CreateFolder', [{ path: 'f/g h' }]]);
      assert.equal(await shell('ls "f/g h"; stat -c %a "f/g h"'), 'keep\n750\n');
      await fail(/exists and overwrite is false/, ['CreateFolder', [{ path: 'f', overwrite: false }]]);
      await fail(/is not a folder/, ['CreateFolder', [{ path: 'f/g h/keep' }]]);
    });

    test('CopyFile copies to a new name and into a folder', async () => {
      await shell('printf x > source');
      await succeed(['CopyFile', [{ source: 'source', destination: 'made/here/name' }]]);
      await succeed(['CopyFile', [{ source: 'source', destination: 'made/there/' }]]);
      assert.equal(await shell('cat made/here/name made/there/source source'), 'xxx');
      await fail(/exists and overwrite is false/, [
        'CopyFile',
        [{ source: 'source', destination: 'made/there/', overwrite: false }],
      ]);
      await fail(/there is no file/, ['CopyFile', [{ source: 'missing', destination: 'x' }]]);
      await fail(/is a folder/, ['CopyFile', [{ source: 'source', destination: 'made' }]]);
    });

    test('a wildcard copies matching files only, hidden ones and odd names too', async () => {
      await shell(
        'mkdir -p "w [1]/dir.txt" && cd "w [1]" && touch a.txt "b c.txt" .h.txt "q?.txt" other && ln -s a.txt l.txt',
      );
      await succeed(['CopyFile', [{ source: 'w [1]/*.txt', destination: 'copied/' }]]);
      assert.equal(await shell('ls -A copied'), '.h.txt\na.txt\nb c.txt\nl.txt\nq?.txt\n');
      await succeed(['CopyFile', [{ source: 'w [1]/q?.*', destination: 'literal/' }]]);
      assert.equal(await shell('ls -A literal'), 'q?.txt\n');
      await fail(/nothing matches/, ['CopyFile', [{ source: 'w [1]/*.log', destination: 'copied/' }]]);
      await fail(/must end with \//, ['CopyFile', [{ source: 'w [1]/*', destination: 'copied' }]]);
      await fail(/only allowed after the last separator/, ['CopyFile', [{ source: 'w*/x', destination: 'copied/' }]]);
    });

    test('names that are not UTF-8 go through patterns and folders', async () => {
      await shell(`mkdir odd; name=$(printf 'a\\377\\n"b'); echo 1 > "odd/$name"`);
      await succeed(
        ['CopyFile', [{ source: 'odd/*', destination: 'odd2/' }]],
        ['CopyFolder', [{ source: 'odd2', destination: 'odd3' }]],
        ['MoveFile', [{ source: 'odd3/*', destination: 'odd4/' }]],
        ['DeleteFile', [{ path: 'odd2/*' }]],
      );
      assert.equal(await shell('cat odd4/*; ls odd2 odd3 | wc -l; cmp odd/* odd4/* && echo same'), '1\n3\nsame\n');
      await shell('rm -r odd odd2 odd3 odd4');
    });

    test('names that are not UTF-8 can be listed, chained and written in a document', async () => {
      await shell(`mkdir latin; name=$(printf 'caf\\351\\n.txt'); printf one > "latin/$name"`);
      const listed = '{{ build.S0.outputs.files }}';
      const [list, read, , , , print] = await succeed(
        ['ListFiles', [{ path: 'latin' }]],
        ['ReadFile', [{ path: listed }]],
        ['AppendFile', [{ path: listed, content: ' two' }]],
        ['CopyFile', [{ source: listed, destination: 'latin/copy-\udcff' }]],
        ['CreateFile', [{ path: 'latin/made-\udce9', content: 'raw \udcfe' }]],
        ['ExecuteBash', { commands: [`cat "${listed}"`] }],
        ['ExecuteBinary', { path: 'cp', arguments: [listed, 'latin/binary'] }],
        ['CopyFolder', [{ source: 'latin', destination: 'latin-\udc80/new' }]],
        ['SetFilePermissions', [{ path: listed, permissions: '600' }]],
        ['Assert', { and: [{ fileExists: listed }, { folderExists: 'latin-\udc80' }] }],
        ['MoveFile', [{ source: 'latin/copy-\udcff', destination: 'latin/moved-\udcff' }]],
        ['DeleteFile', [{ path: listed }]],
        ['DeleteFolder', [{ path: 'latin-\udc80', force: true }]],
      );
      assert.deepEqual(read?.outputs, [{ content: 'one' }]);
      assert.deepEqual(print?.outputs, [{ stdout: 'one two' }]);
      // Records are for logs and databases, which take text only.
      assert.deepEqual(list?.outputs, [{ files: `${folder}/latin/caf\ufffd\n.txt` }]);
      assert.equal(
        await shell('cd latin && cat binary moved-*; od -An -tx1 made-*'),
        'one twoone two 72 61 77 20 fe\n',
      );
      assert.equal(
        await shell("cd latin && printf '%s\\n' * | od -An -c | tr -d ' \\n'"),
        'binary\\nmade-351\\nmoved-377\\n',
      );
      await fail(/there is no file .*gone-\ufffd/, ['DeleteFile', [{ path: 'gone-\udcff' }]]);
    });

    test('MoveFile moves', async () => {
      await shell('mkdir m && printf 1 > m/one && printf 2 > m/two');
      await succeed(['MoveFile', [{ source: 'm/one', destination: 'moved/first' }]]);
      await succeed(['MoveFile', [{ source: 'm/*', destination: 'moved/' }]]);
      assert.equal(await shell('cat moved/first moved/two; ls -A m'), '12');
    });

    test('DeleteFile deletes a file or what matches, of one folder', async () => {
      await shell('mkdir -p d/sub && touch d/a.log d/b.log d/.c.log d/keep d/sub/x.log && mkdir d/e.log');
      await succeed(['DeleteFile', [{ path: 'd/*.log' }, { path: 'd/*.none' }]]);
      assert.equal(await shell('ls -A d; ls d/sub'), 'e.log\nkeep\nsub\nx.log\n');
      await succeed(['DeleteFile', [{ path: 'd/keep' }]]);
      await fail(/there is no file/, ['DeleteFile', [{ path: 'd/keep' }]]);
      await fail(/is a folder/, ['DeleteFile', [{ path: 'd/sub' }]]);
    });

    test('ListFiles gives full paths of files, below too when asked', async () => {
      await shell('mkdir -p l/sub && touch "l/b b.log" l/a.txt l/.h.log l/sub/c.log');
      const [all, logs, deep] = await succeed(
        ['ListFiles', [{ path: 'l' }]],
        ['ListFiles', [{ path: 'l/', fileNamePattern: '*.log' }]],
        ['ListFiles', [{ path: 'l', fileNamePattern: '*log', recursive: 'true' }]],
      );
      const at = (...names: string[]): object[] => [{ files: names.map((each) => `${folder}/l/${each}`).join(',') }];
      assert.deepEqual(all?.outputs, at('.h.log', 'a.txt', 'b b.log'));
      assert.deepEqual(logs?.outputs, at('.h.log', 'b b.log'));
      assert.deepEqual(deep?.outputs, at('.h.log', 'b b.log', 'sub/c.log'));
      await fail(/there is no folder/, ['ListFiles', [{ path: 'l/a.txt' }]]);
    });

    test('SetFilePermissions sets the mode exactly', async () => {
      await shell(': > p && ln -s p p-link');
      await succeed(['SetFilePermissions', [{ path: 'p', permissions: 777 }]]);
      assert.equal(await shell('stat -c %a p'), '777\n');
      await succeed(['SetFilePermissions', [{ path: 'p-link', permissions: '04711' }]]);
      assert.equal(await shell('stat -c %a p'), '4711\n');
      await fail(/there is no file/, ['SetFilePermissions', [{ path: 'p-missing', permissions: '644' }]]);
    });

    test('SetFileOwner sets owner and by default the primary group', { skip: !suite.root }, async () => {
      await shell(': > o && ln -s o o-link');
      await succeed(['SetFileOwner', [{ path: 'o-link', owner: 'nobody' }]]);
      assert.equal(await shell('stat -c "%U %G" o'), `nobody ${(await shell('id -gn nobody')).trim()}\n`);
      await succeed(['SetFileOwner', [{ path: 'o', owner: 'root', group: 'daemon' }]]);
      assert.equal(await shell('stat -c "%U %G" o'), 'root daemon\n');
      await fail(/no such user/i, ['SetFileOwner', [{ path: 'o', owner: 'kiln-nobody-at-all' }]]);
    });

    test('CreateFile and CreateFolder give what they make to its owner', { skip: !suite.root }, async () => {
      await succeed(
        ['CreateFile', [{ path: 'owned', owner: 'nobody', group: 'daemon', permissions: '4755' }]],
        ['CreateFolder', [{ path: 'owned-folder', group: 'daemon' }]],
      );
      assert.equal(await shell('stat -c "%U %G %a" owned owned-folder'), 'nobody daemon 4755\nroot daemon 755\n');
    });

    test('CopyFolder copies contents, merges, and keeps links as links', async () => {
      await shell('mkdir -p "cf/in ner" && printf 1 > cf/one && printf 2 > "cf/in ner/two" && ln -s one cf/link');
      await succeed([
        'CopyFolder',
        [
          { source: 'cf', destination: 'cf-new/below' },
          { source: 'cf/', destination: 'cf-into/' },
        ],
      ]);
      assert.equal(await shell('cat cf-new/below/one "cf-into/cf/in ner/two"; readlink cf-new/below/link'), '12one\n');
      await shell('printf x > cf-new/below/one && printf y > cf-new/below/other');
      await succeed(['CopyFolder', [{ source: 'cf', destination: 'cf-new/below' }]]);
      assert.equal(await shell('cat cf-new/below/one cf-new/below/other'), '1y');
      await fail(/exists and overwrite is false/, [
        'CopyFolder',
        [{ source: 'cf', destination: 'cf-new/below', overwrite: false }],
      ]);
      await fail(/there is no folder/, ['CopyFolder', [{ source: 'cf/one', destination: 'x' }]]);
    });

    test('a wildcard of a folder module matches folders only', async () => {
      await shell('mkdir -p wf/a1 wf/a2 wf/b && : > wf/a3 && : > wf/a1/f');
      await succeed(['CopyFolder', [{ source: 'wf/a*', destination: 'wf-to/' }]]);
      assert.equal(await shell('cd wf-to && find . | sort'), '.\n./a1\n./a1/f\n./a2\n');
      await fail(/nothing matches/, ['CopyFolder', [{ source: 'wf/c*', destination: 'wf-to/' }]]);
    });

    test('MoveFolder moves, also into a folder that is there', async () => {
      await shell('mkdir mf mf2 && : > mf/a && : > mf2/b');
      await succeed([
        'MoveFolder',
        [
          { source: 'mf', destination: 'mf-to/name' },
          { source: 'mf2', destination: 'mf-to/name' },
        ],
      ]);
      assert.equal(await shell('ls mf-to/name; ls -d mf mf2 2>/dev/null || :'), 'a\nb\n');
    });

    test('DeleteFolder deletes an empty folder, a full one only with force, and never through a link', async () => {
      await shell('mkdir -p df/full df/empty && : > df/full/x && ln -s full df/link');
      await fail(/not empty/i, ['DeleteFolder', [{ path: 'df/full' }]]);
      await fail(/is a link/, ['DeleteFolder', [{ path: 'df/link/', force: true }]]);
      await succeed(['DeleteFolder', [{ path: 'df/empty' }, { path: 'df/full/', force: true }]]);
      assert.equal(await shell('ls df'), 'link\n');
      await fail(/there is no folder/, ['DeleteFolder', [{ path: 'df/empty', force: true }]]);
    });

    test('CreateSymlink links to what exists and replaces only links', async () => {
      await shell('mkdir sl && printf 1 > sl/one && printf 2 > sl/two');
      await succeed([
        'CreateSymlink',
        [
          { path: 'sl/new/link', target: `${folder}/sl/one` },
          { path: 'sl/rel', target: 'one' },
        ],
      ]);
      assert.equal(await shell('cat sl/new/link sl/rel'), '11');
      await fail(/exists and force is false/, ['CreateSymlink', [{ path: 'sl/rel', target: 'two' }]]);
      await succeed(['CreateSymlink', [{ path: 'sl/rel', target: 'two', force: true }]]);
      assert.equal(await shell('cat sl/rel'), '2');
      await fail(/is not a link/, ['CreateSymlink', [{ path: 'sl/one', target: 'two', force: true }]]);
      await fail(/does not exist/, ['CreateSymlink', [{ path: 'sl/other', target: 'three' }]]);
    });

    test('SetFileEncoding writes a UTF-8 file anew and keeps its mode', async () => {
      await shell('printf "a\\303\\251" > se && chmod 604 se');
      await succeed(['SetFileEncoding', [{ path: 'se', encoding: 'utf-16-be' }]]);
      assert.equal(await shell('od -An -tx1 se; stat -c %a se'), ' 00 61 00 e9\n604\n');
    });

    test('SetFolderPermissions changes what is below, unless told not to, and no link target', async () => {
      await shell(
        'mkdir -p sp/sub && : > sp/sub/f && : > sp-outside && chmod 600 sp-outside && ln -s ../sp-outside sp/link',
      );
      await succeed(['SetFolderPermissions', [{ path: 'sp', permissions: '0700' }]]);
      assert.equal(await shell('stat -c %a sp sp/sub sp/sub/f sp-outside'), '700\n700\n700\n600\n');
      await succeed(['SetFolderPermissions', [{ path: 'sp', permissions: '0755', recursive: false }]]);
      assert.equal(await shell('stat -c %a sp sp/sub'), '755\n700\n');
    });

    test('SetFolderOwner changes what is below, unless told not to, and no link target', {
      skip: !suite.root,
    }, async () => {
      await shell('mkdir -p so/sub && : > so/sub/f && : > so-outside && ln -s ../so-outside so/link');
      await succeed(['SetFolderOwner', [{ path: 'so', owner: 'nobody', group: 'daemon' }]]);
      assert.equal(
        await shell('stat -c %U:%G so so/sub/f so/link so-outside'),
        `${'nobody:daemon\n'.repeat(3)}root:root\n`,
      );
      await succeed(['SetFolderOwner', [{ path: 'so', owner: 'root', recursive: false }]]);
      assert.equal(await shell('stat -c %U:%G so so/sub'), 'root:root\nnobody:daemon\n');
    });

    test('Assert tests files, programs and digests', async () => {
      await shell('printf abc > abc');
      await succeed(
        ['Assert', { and: [{ fileExists: 'abc' }, { folderExists: folder }, { binaryExists: 'sh' }] }],
        [
          'Assert',
          { not: { or: [{ fileExists: folder }, { folderExists: 'abc' }, { binaryExists: 'kiln-nothing' }] } },
        ],
        ['Assert', { fileMD5Equals: '900150983cd24fb0d6963f7d28e17f72', path: 'abc' }],
        ['Assert', { fileSHA1Equals: 'A9993E364706816ABA3E25717850C26C9CD0D89D', path: 'abc' }],
        [
          'Assert',
          { fileSHA256Equals: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', path: 'abc' },
        ],
        ['Assert', { not: { fileSHA512Equals: 'ba78', path: 'abc' } }],
        ['Assert', { not: { fileSHA512Equals: 'ba78', path: 'missing' } }],
      );
      await fail(/the condition is false/, ['Assert', { fileExists: 'missing' }]);
    });

    test('chained values reach commands as text, whatever is in them', async () => {
      await succeed(
        ['ExecuteBash', { commands: ["printf '%s' 'a \"b\" $(c) {{'; echo ' x }} ;'"] }],
        ['ExecuteBinary', { path: 'printf', arguments: ['%s', '{{ build.S0.outputs.stdout }}'] }],
        ['Assert', { patternMatches: '^a "b" \\$\\(c\\) \\{\\{ x \\}\\} ;$', value: '{{ build.S1.outputs.stdout }}' }],
      );
    });
  });
}
