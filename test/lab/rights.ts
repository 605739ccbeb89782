// docs/socket-proxy.md, read as what it says.
import { readFileSync } from 'node:fs';

const page = (): string => readFileSync(new URL('../../docs/socket-proxy.md', import.meta.url), 'utf8');

/** The calls of its table, as `fault-proxy.ts` names them; `rare` are those that only some containers or engines need. */
export function documentedCalls(): { reads: Set<string>; rolls: Set<string>; rare: Set<string> } {
  const rows = [...page().matchAll(/^\| `([A-Z]+ \/[^`]+)` \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$/gm)];
  const calls = (which: (row: string[]) => boolean) => new Set(rows.filter(which).map(([, call]) => call ?? ''));
  return {
    reads: calls(([, , , reads]) => reads?.trim() === 'yes'),
    rolls: calls(([, , , , rolls]) => rolls?.trim() === 'yes'),
    rare: calls(([, , purpose]) => /\(only /.test(purpose ?? '')),
  };
}

/** By method, what the settings for a proxy allow: `-allowGET=…`, matched against the whole path. */
export function regexesFor(proxy: string): Map<string, RegExp> {
  const section =
    page()
      .split(/^## /m)
      .find((text) => text.startsWith(proxy)) ?? '';
  const settings = [...section.matchAll(/-allow([A-Z]+)=(\S+?)'?$/gm)];
  return new Map(settings.map(([, method = '', expression]) => [method, new RegExp(`^(?:${expression})$`)]));
}
