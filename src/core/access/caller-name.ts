import { printable } from '../text/suggest.ts';
import { RESERVED_NAMES } from './actors.ts';

const NAME = /^[A-Za-z0-9][\w.@-]{0,63}$/;

/** Why a text can't be the name of a token or a client certificate: the message and the advice; undefined if it can. */
export function whyNotCallerName(text: string): { readonly message: string; readonly hint: string } | undefined {
  if (!NAME.test(text))
    return {
      message: `${printable(text)} is not a name for a token or a client`,
      hint: 'use 1 to 64 letters, digits, and . _ @ -, with a letter or digit first',
    };
  // Callers read their own jobs by their name.
  if (!RESERVED_NAMES.includes(text.toLowerCase())) return undefined;
  return { message: `${printable(text)} is the name of an actor of the server itself`, hint: 'choose another name' };
}
