import { suggestion } from '../../util/yaml-reader.ts';
import type { ModuleInput } from './module.ts';

export type Converted =
  | { readonly ok: true; readonly value: string | number | boolean }
  | { readonly ok: false; readonly message: string; readonly hint?: string };

/**
 * Checks a scalar input and turns it into the type of the input. The validator does it to literals, the interpreter to
 * what expressions became.
 */
export function convertInput(input: ModuleInput, text: string): Converted {
  if (input.words !== undefined) return convertWord(text, input.words, input.anyCase ?? false);
  if (input.pattern?.test(text) === false) return refuse(text, `${input.expected ?? input.pattern.source} is expected`);
  switch (input.type) {
    case 'boolean':
      if (/^(true|false)$/i.test(text)) return { ok: true, value: text.toLowerCase() === 'true' };
      return refuse(text, 'true or false is expected');
    case 'integer':
      if (/^[-+]?\d{1,9}$/.test(text) && Number(text) >= (input.minimum ?? Number.NEGATIVE_INFINITY)) {
        return { ok: true, value: Number(text) };
      }
      return refuse(
        text,
        `a whole number${input.minimum === undefined ? '' : ` of at least ${input.minimum}`} is expected`,
      );
    case 'permissions':
      return /^0*[0-7]{1,4}$/.test(text)
        ? { ok: true, value: text }
        : refuse(text, 'an octal mode such as 0755 is expected');
    case 'url':
      return isWebUrl(text) ? { ok: true, value: text } : refuse(text, 'an http:// or https:// URL is expected');
    case 'path':
      if (text === '') return { ok: false, message: 'is empty', hint: 'a path is expected' };
      return text.includes('\0') ? { ok: false, message: 'contains a NUL character' } : { ok: true, value: text };
    default:
      return { ok: true, value: text };
  }
}

function convertWord(text: string, words: readonly string[], anyCase: boolean): Converted {
  const found = words.find((word) => word === text || (anyCase && word.toLowerCase() === text.toLowerCase()));
  return found === undefined ? refuse(text, suggestion(text, words)) : { ok: true, value: found };
}

function isWebUrl(text: string): boolean {
  // Spaces and line ends must not reach the programs that download.
  return /^https?:\/\/[^\s\\"]+$/i.test(text) && URL.canParse(text);
}

function refuse(text: string, hint: string): Converted {
  const shown = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  return { ok: false, message: `cannot be '${shown}'`, hint };
}
