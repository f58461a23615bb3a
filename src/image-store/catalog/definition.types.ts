/** One base image as data. The file is named after the image. */
export interface CatalogDefinition {
  /** The name AWS has for it, where AWS has one. */
  readonly name: string;
  readonly displayName: string;
  readonly osVersion: string;
  readonly architecture: 'x86_64';
  readonly description: string;
  /** Tried in this order until one works. */
  readonly sources: readonly [CatalogSource, ...CatalogSource[]];
}

export type CatalogSource = CloudImageSource | DebianBootstrapSource;

/** The distribution's own image for clouds, named in a list of checksums beside it. */
export interface CloudImageSource {
  readonly kind: 'cloud-image';
  /** URL of the list, as sha256sum and sha512sum write it. The image is in the same folder. */
  readonly checksums: string;
  readonly algorithm: 'sha256' | 'sha512';
  /** The whole file name; the highest of several that match is taken. */
  readonly file: RegExp;
  /** Where the list is signed: the key is looked for on this machine, never fetched. */
  readonly signature?: SignatureSource;
}

export interface SignatureSource {
  /** URL of the detached OpenPGP signature of the list. */
  readonly url: string;
  /** A keyring file as the package below installs it. */
  readonly keyring: string;
  readonly debianPackage: string;
}

/** Made from Debian's packages with mmdebstrap, through the mirrors of this machine. */
export interface DebianBootstrapSource {
  readonly kind: 'debian-bootstrap';
  /** Codename, e.g. `bookworm`. */
  readonly suite: string;
}

/** A source for people. */
export function describeSource(source: CatalogSource): string {
  switch (source.kind) {
    case 'cloud-image':
      return `cloud image from ${new URL(source.checksums).host}`;
    case 'debian-bootstrap':
      return `bootstrap of Debian ${source.suite} with mmdebstrap`;
  }
}
