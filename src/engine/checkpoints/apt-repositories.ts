import { capture } from '../../toe/capture.ts';
import type { Target } from '../../toe/target.ts';
import { hasUserInfo } from '../../util/user-info.ts';
import { indexesOfSources } from './apt-sources.ts';

const MOST_REPOSITORIES = 20;
/** Begins the content of a file; no list of sources has it. */
const FILE_MARK = '\x1e';
/** Says with exit code 3 that apt looks elsewhere: its configuration names other places. */
const READ_SOURCES = `command -v apt-get >/dev/null 2>&1 || exit 0
cd /etc/apt || exit 3
grep -qsiE 'dir::etc|^[[:space:]]*dir[[:space:]{"]' apt.conf apt.conf.d/* && exit 3
for file in sources.list sources.list.d/*.list sources.list.d/*.sources; do
  [ -f "$file" ] || continue
  printf '\\036%s\\n' "$file"
  cat "$file"
done`;
const ASK_APT = `apt-get indextargets --format '$(REPO_URI)dists/$(RELEASE)/InRelease' 2>/dev/null | sort -u`;

/**
 * Addresses of the indexes of the package repositories that a Debian or Ubuntu machine has. None on others. One that holds a
 * password is not among them: it would stand in records, plans and logs.
 */
export async function aptRepositories(target: Target, signal: AbortSignal): Promise<readonly string[]> {
  const run = (script: string) => capture(target, { argv: ['sh', '-c', script], cwd: '/', signal });
  const read = await run(READ_SOURCES);
  const said = read.code === 0 && read.complete ? indexesOfSources(filesIn(read.stdout)) : undefined;
  if (said !== undefined) return said.filter(isOpen).slice(0, MOST_REPOSITORIES);
  const { code, stdout } = await run(ASK_APT);
  if (code !== 0) return [];
  return stdout
    .split('\n')
    .filter((line) => /^https?:\/\/\S+$/.test(line) && isOpen(line))
    .slice(0, MOST_REPOSITORIES);
}

function isOpen(address: string): boolean {
  const url = URL.parse(address);
  return url !== null && !hasUserInfo(url);
}

function filesIn(text: string): ReadonlyMap<string, string> {
  const parts = text.split(FILE_MARK).slice(1);
  return new Map(parts.map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1)]));
}
