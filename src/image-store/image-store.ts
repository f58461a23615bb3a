import type { Monitor } from '../util/monitor.ts';

/** A machine image: a disk that boots, and where it came from. */
export interface MachineImage {
  /** `ami-` and 17 hex digits. */
  readonly amiId: string;
  readonly name: string;
  readonly description?: string;
  readonly platform: 'Linux' | 'Windows' | 'macOS';
  readonly osVersion?: string;
  readonly architecture: 'x86_64' | 'arm64';
  /** sha256 of the disk file, hex. */
  readonly digest: string;
  /** The machine image that it was built on, if any. */
  readonly parentAmiId?: string;
  /** The machine image on whose disk its own lies, where that is one further below: long chains of builds are made short. */
  readonly baseAmiId?: string;
  /** What a guest sees, bytes. */
  readonly virtualSize: number;
  /** What the disk file takes here, without its parents, bytes. */
  readonly storedSize: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly launchPermission?: LaunchPermission;
  /** ISO 8601. */
  readonly createdAt: string;
  /** The image build version ARN that made it, or `import`, or `catalog:` and the catalogue entry it came from. */
  readonly source: string;
  /** Frozen overlays between the disk that it lies on and its own, the lowest first; checkpoints may share them. */
  readonly layers?: readonly DiskLayer[];
  /** What its build was, by content. */
  readonly made?: BuildContent;
}

/** What a build was, by content: another build with the same key makes the same disk. */
export interface BuildContent {
  readonly key: string;
  /** Of what the image was tested with; undefined when it was not to be tested. */
  readonly testKey?: string;
  /** What its maker wants to know of it again. The store does not look at it. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** A frozen overlay of the image store. Made by {@link CheckpointStore.sealLayer}. */
export interface DiskLayer {
  readonly name: string;
  /** sha256 of the file, hex. */
  readonly digest: string;
}

/** Who may launch an image: kept for those who distribute it further; nobody here is kept from it. */
export interface LaunchPermission {
  readonly userIds?: readonly string[];
  readonly userGroups?: readonly string[];
  readonly organizationArns?: readonly string[];
  readonly organizationalUnitArns?: readonly string[];
}

/** What of a machine image can change. */
export type ImageDescription = Partial<Pick<MachineImage, 'name' | 'description' | 'tags' | 'launchPermission'>>;

export interface BootDisk {
  readonly path: string;
  readonly format: 'qcow2' | 'raw';
}

export type ExportFormat = 'qcow2' | 'raw' | 'vmdk' | 'vhd' | 'vhdx';

export interface CaptureRequest {
  /** Made by the caller, so that a repeated capture after a crash is the same image. */
  readonly amiId: string;
  /** A qcow2 overlay on `parentAmiId`'s disk, or on the last of `layers`; it is moved into the store. */
  readonly diskPath: string;
  readonly parentAmiId: string;
  /** What lies between the parent's disk and this one, the lowest first. */
  readonly layers?: readonly DiskLayer[];
  readonly made?: BuildContent;
  readonly name: string;
  readonly description?: string;
  readonly osVersion?: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly source: string;
}

/** A new machine image with the disk of one that is there. */
export type ReuseRequest = Pick<CaptureRequest, 'amiId' | 'name' | 'description' | 'tags' | 'source' | 'made'> & {
  readonly of: string;
};

export interface ImportRequest {
  readonly file: string;
  readonly name: string;
  readonly platform: 'Linux' | 'Windows' | 'macOS';
  readonly osVersion?: string;
  /** `import`, or `catalog:` and the catalogue entry. */
  readonly source: string;
}

export interface StoreContext {
  readonly signal: AbortSignal;
  readonly monitor: Monitor;
}

/** What is known of machine images. */
export interface ImageRecords {
  get(amiId: string): Promise<MachineImage | undefined>;
  /** The oldest first. */
  list(): Promise<readonly MachineImage[]>;
}

/**
 * Content-addressed disks and the machine images that name them.
 *
 * - Every change is all or nothing: a killed process or a full disk leaves the store as it was, and the next start
 *   removes what was half-written.
 * - `bootDisk` checks that the disk and its parents are there and unchanged; it throws a BuilderFault that names the
 *   image, the file and what is wrong with it.
 * - Disk files are read-only to everybody.
 */
export interface ImageStore extends ImageRecords {
  bootDisk(amiId: string): Promise<BootDisk>;
  capture(request: CaptureRequest, context: StoreContext): Promise<MachineImage>;
  /** Gives an image's disk a second image; nothing is copied. Rejects when the disk is not there and whole. */
  reuse(request: ReuseRequest, context: StoreContext): Promise<MachineImage>;
  /** Changes what is said of an image; the members that are left out stay. Rejects when there is no such image. */
  describe(amiId: string, description: ImageDescription, context: StoreContext): Promise<MachineImage>;
  /** Copies or converts a qcow2, raw, vmdk, vhd or vhdx file into the store. */
  import(request: ImportRequest, context: StoreContext): Promise<MachineImage>;
  /** Writes a flattened copy to `file` (replaced when whole, never half-written). */
  export(amiId: string, file: string, format: ExportFormat, context: StoreContext): Promise<{ readonly bytes: number }>;
  /**
   * Makes exports of images that are built on this one fast, in the background: to be called when a build on it begins. What it
   * needs of the disk is about as much as an export takes, once for each base image.
   */
  prepareExport(amiId: string, signal: AbortSignal): Promise<void>;
  /** Refuses with a BuilderFault that names them while other images are built on this one. */
  remove(amiId: string): Promise<void>;
}

/**
 * Base images: one file per image, made on first use and kept.
 *
 * `resolve` answers from the definitions alone, without making anything; `provide` gives the machine image, making it
 * when needed (minutes), once even when called concurrently or by two processes.
 */
export interface Catalog {
  list(): Promise<readonly CatalogEntry[]>;
  resolve(name: string): CatalogEntry | undefined;
  provide(name: string, context: StoreContext): Promise<MachineImage>;
}

/** `MachineImage.source` of an image from the catalogue: this and the entry's name. */
export const CATALOG_SOURCE_PREFIX = 'catalog:';

export interface CatalogEntry {
  /** As in `arn:aws:imagebuilder:REGION:aws:image/NAME/x.x.x`, e.g. `debian-server-12-x86`. */
  readonly name: string;
  readonly displayName: string;
  readonly platform: 'Linux';
  readonly osVersion: string;
  readonly architecture: 'x86_64' | 'arm64';
  readonly description: string;
  /** The version under which the image is (or would now be) known, `YYYY.M.D`. */
  readonly version: string;
  /** Set once the image was made here. */
  readonly amiId?: string;
  /** Sources in the order in which they are tried, for people: `cloud image …`, `bootstrap with mmdebstrap`. */
  readonly sources: readonly string[];
}
