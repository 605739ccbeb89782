import { existsSync } from 'node:fs';
import { RULE_KINDS, type RuleKind, type RuleTrouble } from '../../../core/traffic/kernel-layer.ts';
import { type Example, examples, safeExample } from './examples.ts';
import { whyNotRead, whyNotTaken } from './nft.ts';

/** The kinds of rules that nft accepts here; `nothing`: it can't even be tried. */
export type Taken =
  | { readonly kind: 'some'; readonly refused: Readonly<Partial<Record<RuleKind, RuleTrouble>>> }
  | { readonly kind: 'nothing'; readonly trouble: RuleTrouble };

/** Tries every script in our network namespace: with one process, or with one more for each kind if nft refuses any. */
export async function whatIsTaken(): Promise<Taken> {
  // Without IPv6 in the kernel its rules are refused, and not needed.
  const all = examples(existsSync('/proc/net/if_inet6'));
  const [trouble, unread] = await Promise.all([whyNoneOf(all), whyNotRead()]);
  if (trouble && trouble.kind !== 'refused') return { kind: 'nothing', trouble };
  if (unread) return { kind: 'nothing', trouble: unread };
  return { kind: 'some', refused: trouble ? await refusedOf(all) : {} };
}

/** Why nft accepts no rules in the network namespace of a process; undefined if it does. */
export function whyNotTakenIn(pid: number): Promise<RuleTrouble | undefined> {
  return whyNotTaken([safeExample()], pid);
}

async function refusedOf(all: readonly Example[]): Promise<Partial<Record<RuleKind, RuleTrouble>>> {
  const refused: Partial<Record<RuleKind, RuleTrouble>> = {};
  for (const kind of RULE_KINDS) {
    const trouble = await whyNoneOf(all.filter((example) => example.kind === kind));
    if (trouble) refused[kind] = trouble;
  }
  return refused;
}

function whyNoneOf(tried: readonly Example[]): Promise<RuleTrouble | undefined> {
  return whyNotTaken(tried.flatMap(({ scripts }) => scripts.map(([, script]) => script)));
}
