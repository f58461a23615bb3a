import { type ActionModule, EVERYWHERE, type ModuleInput } from './module.ts';

const expectedBucketOwner = {
  type: 'text',
  summary: 'Account that must own the bucket.',
} as const satisfies ModuleInput;
const overwrite = {
  type: 'boolean',
  default: true,
  summary: 'False: what exists is an error.',
} as const satisfies ModuleInput;

/** Modules that bring files to the machine or away from it. */
export const transferModules = {
  S3Download: {
    name: 'S3Download',
    summary: 'Downloads an object or the objects below a prefix.',
    platforms: EVERYWHERE,
    shape: 'list',
    inputs: {
      source: { type: 'text', required: true, summary: 's3://bucket/key or s3://bucket/prefix/*' },
      destination: { type: 'path', required: true, summary: 'The file; for a prefix the folder.' },
      expectedBucketOwner,
      overwrite,
    },
    outputs: {},
    supported: true,
  },
  S3Upload: {
    name: 'S3Upload',
    summary: 'Uploads files.',
    platforms: EVERYWHERE,
    shape: 'list',
    inputs: {
      source: { type: 'path', required: true, summary: 'Local path; `*` is allowed.' },
      destination: { type: 'text', required: true, summary: 's3://bucket/key or s3://bucket/prefix/' },
      recurse: { type: 'boolean', default: false, summary: 'Whether folders below are taken as well.' },
      expectedBucketOwner,
    },
    outputs: {},
    supported: true,
  },
  WebDownload: {
    name: 'WebDownload',
    summary: 'Downloads over HTTP or HTTPS, in up to five tries; only status 200 counts.',
    platforms: EVERYWHERE,
    shape: 'list',
    inputs: {
      source: { type: 'url', required: true, summary: 'http:// or https:// URL.' },
      destination: { type: 'path', required: true, summary: 'The file, or the folder when it ends with a separator.' },
      overwrite,
      checksum: { type: 'text', summary: 'Digest in hex; needs algorithm.' },
      algorithm: { type: 'text', words: ['MD5', 'SHA1', 'SHA256', 'SHA512'], summary: 'Of the checksum.' },
      ignoreCertificateErrors: { type: 'boolean', default: false, summary: 'Trust any certificate.' },
    },
    outputs: { destination: 'Paths of the files, one per line.' },
    supported: true,
  },
} as const satisfies Record<string, ActionModule>;
