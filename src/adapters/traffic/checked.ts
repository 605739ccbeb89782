import { fail } from '../../core/model/error.ts';
import { isAddress } from '../../core/proxy/check.ts';
import { isRouteName } from '../../core/proxy/place.ts';
import type { Wanted } from '../../core/proxy/route.ts';
import { clipText, sanitizeText } from '../../core/text/sanitize.ts';
import { printable } from '../../core/text/suggest.ts';

const ROLL = /^[A-Za-z0-9_.-]{1,64}$/;
const MOST_WEIGHT = 256;
const MOST_WORDS = 500;

/** Raises `proxy-refused` for a text that must not get into a proxy's configuration or commands. Every driver asks this first. */
export function mustBeSafe(route: string, wanted: Wanted): void {
  if (!isRouteName(route)) refuse(`${printable(route)} is no name of a route`);
  if (wanted.kind === 'baseline') return;
  if (!ROLL.test(wanted.roll)) refuse(`${printable(wanted.roll)} is no id of a roll`);
  for (const { address, weight } of wanted.servers) {
    if (!isAddress(address)) refuse(`${printable(address)} is no address of a server`);
    if (!Number.isInteger(weight) || weight < 1 || weight > MOST_WEIGHT) refuse(`${weight} is no weight of a server`);
  }
}

function refuse(why: string): never {
  return fail('proxy-refused', why, { hint: 'nothing was changed in the proxy' });
}

/** Raises `proxy-refused` with the proxy's own words. `after`: what is true now. */
export function refusedBy(proxy: string, route: string, words: string, after: string): never {
  return fail(
    'proxy-refused',
    `${proxy} refused the change of ${route}: ${clipText(sanitizeText(words.trim()), MOST_WORDS)}`,
    { hint: after },
  );
}
