import { ACCOUNT } from './account.ts';
import { type ActionModule, EVERYWHERE, type ModuleInput } from './module.ts';
import { overwrite } from './overwrite.ts';

const uri = { pattern: /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\//, expected: 's3://BUCKET/KEY' } as const;
const expectedBucketOwner = {
  type: 'text',
  ...ACCOUNT,
  summary: 'Account that must own the bucket.',
} as const satisfies ModuleInput;

/** Modules that bring files to the machine or away from it. */
export const transferModules = {
  S3Download: {
    name: 'S3Download',
    summary: 'Downloads an object or the objects below a prefix.',
    platforms: EVERYWHERE,
    shape: 'list',
    inputs: {
      source: { type: 'text', required: true, ...uri, summary: 's3://bucket/key or s3://bucket/prefix/*' },
      destination: { type: 'path', required: true, summary: 'The file; for a prefix the folder.' },
      expectedBucketOwner,
      overwrite,
    },
    outputs: {},
  },
  S3Upload: {
    name: 'S3Upload',
    summary: 'Uploads files.',
    platforms: EVERYWHERE,
    shape: 'list',
    inputs: {
      source: { type: 'path', required: true, summary: 'Local path; `*` is allowed.' },
      destination: { type: 'text', required: true, ...uri, summary: 's3://bucket/key or s3://bucket/prefix/' },
      recurse: { type: 'boolean', default: false, summary: 'Whether folders below are taken as well.' },
      expectedBucketOwner,
    },
    outputs: {},
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
  },
} as const satisfies Record<string, ActionModule>;
