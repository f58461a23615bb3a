/**
 * Parameters as the audit trail keeps them: documents by their hash, what may be secret not at all, long texts cut. A
 * trail is for years and for other eyes than those of the caller.
 */
import { createHash } from 'node:crypto';

/** CloudTrail's own words for it. */
const HIDDEN = 'HIDDEN_DUE_TO_SECURITY_REASONS';
/** Members that people put keys and passwords into. */
const SECRET = new Set(['userDataOverride']);
/** Members that hold whole documents. */
const DOCUMENTS = new Set(['data', 'dockerfileTemplateData', 'policy']);

const MAX_TEXT = 1_024;
const MAX_BYTES = 16 * 1_024;

/** A copy that is safe to keep; undefined stays undefined. */
export function bounded(parameters: object | undefined): object | undefined {
  if (parameters === undefined) return undefined;
  const text = JSON.stringify(parameters, (key, value: unknown) => {
    if (SECRET.has(key)) return HIDDEN;
    if (typeof value !== 'string') return value;
    if (DOCUMENTS.has(key)) return digest(value);
    return value.length <= MAX_TEXT ? value : `${value.slice(0, MAX_TEXT)}… (${value.length} characters)`;
  });
  if (text.length <= MAX_BYTES) return JSON.parse(text);
  return { omitted: true, originalSize: text.length, reason: 'It is too large for the audit trail.' };
}

function digest(text: string): string {
  return `${text.length} characters, sha256 ${createHash('sha256').update(text).digest('hex')}`;
}
