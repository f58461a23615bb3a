import { capture } from '../../toe/capture.ts';
import type { Target } from '../../toe/target.ts';

const MOST_REPOSITORIES = 20;
const SCRIPT = `command -v apt-get >/dev/null 2>&1 || exit 0
apt-get indextargets --format '$(REPO_URI)dists/$(RELEASE)/InRelease' 2>/dev/null | sort -u`;

/** Addresses of the indexes of the package repositories that a Debian or Ubuntu machine has. None on others. */
export async function aptRepositories(target: Target, signal: AbortSignal): Promise<readonly string[]> {
  const { code, stdout } = await capture(target, { argv: ['sh', '-c', SCRIPT], cwd: '/', signal });
  if (code !== 0) return [];
  return stdout
    .split('\n')
    .filter((line) => /^https?:\/\/\S+$/.test(line) && URL.canParse(line))
    .slice(0, MOST_REPOSITORIES);
}
