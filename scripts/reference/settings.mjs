// Renders the tables of settings from the descriptions that the help and the JSON schema use as well.

import { SETTINGS } from '../../src/core/settings/table.ts';
import { GROUPS, keysOf, settingText } from '../../src/core/settings/text.ts';
import { code, plain, table } from './markdown.mjs';

/** Pages that say more about a setting. */
const PAGES = {
  track: '[Updates](../guide/updates.md#what-is-newer)',
  strategy: '[Strategies](../traffic.md)',
  'health.engine': '[Behind a proxy](../traffic.md#behind-a-proxy-that-reads-labels)',
  gate: '[The kernel layer](../traffic.md#the-kernel-layer)',
  'drain.timeout': '[Drain](../traffic.md#drain)',
  linger: '[Addresses](../traffic.md#addresses-that-clients-keep)',
  'on-switch': '[Hooks](../traffic.md#hooks)',
  'backup.volumes': '[Backups](../guide/backups.md)',
  'build.git': '[From a repository](../guide/dev.md#from-a-repository)',
  'dev.watch': '[From the source](../guide/dev.md#from-the-source)',
};

export async function settingParts() {
  const listed = GROUPS.flatMap(keysOf);
  const missing = Object.keys(SETTINGS).filter((key) => !listed.includes(key));
  if (missing.length > 0) throw new Error(`src/core/settings/text.ts has no line for ${missing.join(', ')}`);
  return Object.fromEntries(GROUPS.map((group) => [group.toLowerCase(), rows(keysOf(group))]));
}

function rows(keys) {
  return table(
    ['label', 'values', 'default', 'effect'],
    keys.map((key) => {
      const { effect, values, byDefault } = settingText(key);
      const page = PAGES[key] ? ` (${PAGES[key]})` : '';
      const preset = SETTINGS[key].preset === undefined ? plain(byDefault ?? '') : code(byDefault);
      return [code(`swapctl.${key}`), plain(values), preset, `${plain(effect)}${page}`];
    }),
  );
}
