import { hasUserInfo } from '../../../util/user-info.ts';
import type { AptSource } from './apt-sources.ts';

/** Where a release of Debian is fetched from. */
export interface DebianArchive {
  readonly suite: string;
  /** The release itself and its updates. */
  readonly mainUri: string;
  readonly securityUri: string;
  /** Whether the mirrors are this machine's or the project's own. */
  readonly origin: 'this machine' | 'default';
}

/** Debian's own front for its mirrors, for machines that have no Debian mirror set up (Ubuntu, Fedora ...). */
const DEFAULT_MAIN = 'http://deb.debian.org/debian';
const DEFAULT_SECURITY = 'http://deb.debian.org/debian-security';

/**
 * Chooses mirrors for a release: those that this machine uses for its own Debian, whatever release that is, else the
 * default. Whoever serves the packages, they are accepted with a signature of Debian only.
 */
export function chooseArchive(suite: string, sources: readonly AptSource[]): DebianArchive {
  const isMain = (name: string): boolean => /^[a-z]+(?:-updates)?$/.test(name);
  const isSecurity = (name: string): boolean => /^[a-z]+(?:-security|\/updates)$/.test(name);
  const mainUri = findUri(sources, isMain, /\/debian\/?$/);
  const securityUri = findUri(sources, isSecurity, /\/debian-security\/?$|\/\/security\.debian\.org\/?$/);
  return {
    suite,
    mainUri: mainUri ?? DEFAULT_MAIN,
    securityUri: securityUri ?? DEFAULT_SECURITY,
    origin: mainUri === undefined ? 'default' : 'this machine',
  };
}

/** Others have folders called `debian` too, but no component `main` in them, or an option of their own. */
function findUri(sources: readonly AptSource[], isSuite: (name: string) => boolean, path: RegExp): string | undefined {
  for (const { uris, suites, components } of sources) {
    if (!components.includes('main') || !suites.some(isSuite)) continue;
    const uri = uris.find((candidate) => path.test(candidate) && isUsable(candidate));
    if (uri !== undefined) return uri.replace(/\/$/, '');
  }
  return undefined;
}

/** Only what a guest can use as well; a URI with a password would put it into every image. */
function isUsable(uri: string): boolean {
  const url = URL.parse(uri);
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:') && !hasUserInfo(url);
}

/** The archive as a deb822 file, for mmdebstrap and for the image. */
export function formatSources({ suite, mainUri, securityUri }: DebianArchive, keyring: string): string {
  const paragraph = (uri: string, suites: string): string =>
    `Types: deb\nURIs: ${uri}\nSuites: ${suites}\nComponents: main\nSigned-By: ${keyring}\n`;
  return `${paragraph(mainUri, `${suite} ${suite}-updates`)}\n${paragraph(securityUri, `${suite}-security`)}`;
}
