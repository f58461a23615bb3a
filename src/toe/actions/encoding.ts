import { ENCODINGS, type Encoding } from '../../documents/action-modules/files.ts';
import { encodeOsText } from '../../util/os-text.ts';

/** The encoding that a document's spelling means. */
export function encodingNamed(name: string): Encoding {
  const found = Object.entries(ENCODINGS).find(([spelling]) => spelling === name.toLowerCase());
  return found?.[1] ?? 'utf8';
}

/** Encodes without a byte order mark. */
export function encodeText(text: string, encoding: Encoding): Buffer {
  switch (encoding) {
    case 'utf8':
      return encodeOsText(text);
    case 'utf16le':
      return Buffer.from(text, 'utf16le');
    case 'utf16be':
      return Buffer.from(text, 'utf16le').swap16();
    case 'utf32le':
      return encodeUtf32(text);
    case 'utf32be':
      return encodeUtf32(text).swap32();
  }
}

function encodeUtf32(text: string): Buffer {
  const points = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  const bytes = Buffer.alloc(points.length * 4);
  for (const [index, point] of points.entries()) bytes.writeUInt32LE(point, index * 4);
  return bytes;
}

/** Decodes; a byte order mark at the beginning is not text. Undefined when the bytes are not in this encoding. */
export function decodeText(bytes: Buffer, encoding: Encoding): string | undefined {
  try {
    switch (encoding) {
      case 'utf8':
        return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
      case 'utf16le':
        return new TextDecoder('utf-16le', { fatal: true }).decode(bytes);
      case 'utf16be':
        return new TextDecoder('utf-16le', { fatal: true }).decode(Buffer.from(bytes).swap16());
      case 'utf32le':
        return decodeUtf32(bytes);
      case 'utf32be':
        return decodeUtf32(Buffer.from(bytes).swap32());
    }
  } catch {
    return undefined;
  }
}

function decodeUtf32(bytes: Buffer): string {
  let text = '';
  for (let offset = 0; offset < bytes.length; offset += 4) text += String.fromCodePoint(bytes.readUInt32LE(offset));
  return text.replace(/^\uFEFF/, '');
}
