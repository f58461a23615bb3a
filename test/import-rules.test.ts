/** The linter says of an import that does not belong there where the code belongs. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { run } from '../src/util/spawn.ts';

interface Override {
  readonly includes: readonly string[];
  readonly linter?: { readonly rules?: { readonly style?: { readonly noRestrictedImports?: Restricted } } };
}

interface Restricted {
  readonly options: { readonly patterns: readonly { readonly group: readonly string[]; readonly message: string }[] };
}

const checkout = join(import.meta.dirname, '..');
const { overrides } = JSON.parse(readFileSync(join(checkout, 'biome.json'), 'utf8')) as { overrides: Override[] };
/** A folder, what may not be imported there, and what is said. */
const rules = overrides.flatMap(({ includes: [place = ''], linter }) => {
  const patterns = linter?.rules?.style?.noRestrictedImports?.options.patterns ?? [];
  return patterns.map(({ group, message }) => ({
    folder: place.replace('/**', ''),
    forbidden: group[0] ?? '',
    message,
  }));
});
const folder = mkdtempSync(join(tmpdir(), 'kiln-import-rules-'));
after(() => rmSync(folder, { recursive: true }));

test('each folder refuses the imports that are not for it, and names the place for such code', async () => {
  assert.ok(rules.length >= 15, `${rules.length} folders have rules`);
  cpSync(join(checkout, 'biome.json'), join(folder, 'biome.json'));
  for (const { folder: place, forbidden } of rules) {
    mkdirSync(join(folder, place), { recursive: true });
    const from = forbidden.replace('/**', '/example.ts');
    writeFileSync(join(folder, place, 'example.ts'), `import { example } from '${from}';\n\nexample();\n`);
  }
  const biome = join(checkout, 'scripts/biome.sh');
  const lint = ['lint', '--vcs-enabled=false', '--reporter=json', '--max-diagnostics=none', 'src'];
  const { code, stdout } = await run('sh', [biome, ...lint], {
    cwd: folder,
    // It keeps a cache in the home folder otherwise.
    env: { ...process.env, XDG_CACHE_HOME: join(folder, 'cache') },
  });
  assert.notEqual(code, 0);
  const { diagnostics } = JSON.parse(stdout.toString()) as { readonly diagnostics: readonly object[] };
  for (const { folder: place, message } of rules) {
    const said = diagnostics.map((one) => JSON.stringify(one)).filter((one) => one.includes(`${place}/example.ts`));
    assert.ok(
      said.some((one) => one.includes(JSON.stringify(message).slice(1, -1))),
      `${place}: ${said.join('\n')}`,
    );
  }
});
