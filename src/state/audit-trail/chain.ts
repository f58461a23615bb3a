/**
 * The lines of the audit trail. Each carries the hash of the line before it, so that nothing can be changed, left out or
 * put in between without every later hash being wrong. The hash is over the text as it stands in the file, which anyone
 * can check with sha256sum.
 */
import { createHash } from 'node:crypto';

/** What the next line continues. */
export interface ChainHead {
  /** Of the last line; 0 before the first. */
  readonly sequence: number;
  /** 64 hexadecimal digits. */
  readonly hash: string;
}

export const CHAIN_START: ChainHead = { sequence: 0, hash: '0'.repeat(64) };

export interface TrailLine {
  readonly sequence: number;
  readonly previous: string;
  readonly hash: string;
  /** JSON. */
  readonly record: string;
}

const LINE = /^\{"sequence":([0-9]{1,15}),"previous":"([0-9a-f]{64})","hash":"([0-9a-f]{64})","record":(\{.*\})\}$/;

/** The line that continues the chain with a record, and the chain's new head. */
export function chainLine(head: ChainHead, record: object): { readonly text: string; readonly head: ChainHead } {
  const sequence = head.sequence + 1;
  const json = JSON.stringify(record);
  const hash = hashOf(sequence, head.hash, json);
  const text = `{"sequence":${sequence},"previous":"${head.hash}","hash":"${hash}","record":${json}}\n`;
  return { text, head: { sequence, hash } };
}

/** The parts of a line without its line end; undefined when it is not one. */
export function parseLine(text: string): TrailLine | undefined {
  const [, sequence, previous, hash, record] = LINE.exec(text) ?? [];
  if (previous === undefined || hash === undefined || record === undefined) return undefined;
  return { sequence: Number(sequence), previous, hash, record };
}

/** Whether a line's hash is that of its contents. */
export function isIntact({ sequence, previous, hash, record }: TrailLine): boolean {
  return hashOf(sequence, previous, record) === hash;
}

function hashOf(sequence: number, previous: string, record: string): string {
  return createHash('sha256').update(`${sequence}\n${previous}\n${record}`).digest('hex');
}
