import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { before, test } from 'node:test';
import { Language, Parser } from 'web-tree-sitter';
import { READ_DOCUMENT_WINDOWS } from './actions/execute-document.ts';
import { REMOVE_SCRIPT, WRITE_SCRIPT } from './actions/execute-powershell.ts';
import { MSIEXEC, SIGNATURE } from './actions/msi.ts';
import { RECEIVE } from './actions/run-powershell.ts';
import { SET_VALUE } from './actions/set-registry.ts';
import * as fileScripts from './actions/windows/file-scripts.ts';
import { UPDATE_OS } from './actions/windows/update-os.ts';
import { WEB_DOWNLOAD } from './actions/windows/web-download.ts';
import { FIND, READ } from './actions/windows/windows-files.ts';
import { FILE_DIGEST, TEST_PATH } from './conditions.ts';
import { saidBy, wholeScript } from './powershell.ts';
import { RUN_SYSPREP } from './run-sysprep.ts';
import { WINDOWS_ENVIRONMENT, WINDOWS_MACHINE } from './target-facts.ts';
import { PREPARE_WINDOWS, REMOVE_WINDOWS } from './workspace.ts';

/* There is no Windows here to run these scripts: that they are PowerShell at all is what can be checked. */

const SCRIPTS: Readonly<Record<string, string>> = {
  ...fileScripts,
  ...{
    REMOVE_SCRIPT,
    WRITE_SCRIPT,
    READ_DOCUMENT_WINDOWS,
    MSIEXEC,
    SIGNATURE,
    SET_VALUE,
    UPDATE_OS,
    WEB_DOWNLOAD,
    FIND,
    READ,
  },
  ...{ FILE_DIGEST, TEST_PATH, RUN_SYSPREP, WINDOWS_ENVIRONMENT, WINDOWS_MACHINE, PREPARE_WINDOWS, REMOVE_WINDOWS },
};

const parser: { instance: Parser | undefined } = { instance: undefined };
before(async () => {
  await Parser.init();
  const grammar = createRequire(import.meta.url).resolve('tree-sitter-powershell/package.json');
  const language = await Language.load(grammar.replace('package.json', 'tree-sitter-powershell.wasm'));
  parser.instance = new Parser().setLanguage(language);
});

/** Lines in which the grammar finds no sense. */
function errorsIn(script: string): readonly string[] {
  const tree = parser.instance?.parse(script);
  assert.ok(tree);
  const lines = script.split('\n');
  const found = tree.rootNode.descendantsOfType('ERROR').map((node) => lines[node?.startPosition.row ?? 0] ?? '');
  return tree.rootNode.hasError && found.length === 0 ? ['something is missing'] : found;
}

for (const [name, script] of Object.entries(SCRIPTS)) {
  test(`the script ${name} is PowerShell`, () => {
    assert.deepEqual(errorsIn(wholeScript(script)), []);
  });
}

test('the script that receives a stream is PowerShell, and broken ones are found', () => {
  assert.deepEqual(errorsIn(RECEIVE), []);
  assert.notDeepEqual(errorsIn(wholeScript('if ($x { Say 1 }')), []);
  assert.notDeepEqual(errorsIn(wholeScript("Say 'open")), []);
});

test('what a script says arrives whatever the code page is', () => {
  assert.equal(saidBy(`${Buffer.from('é\0€').toString('base64')}\r\n`), 'é\0€');
});
