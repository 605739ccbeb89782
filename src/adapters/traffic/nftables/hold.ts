import { FAMILIES, type Family, OPENS } from '../flows.ts';
import { PROBE_PORTS } from './gate.ts';
import { type Script, script } from './script.ts';
import { elementsOf, type Table } from './table.ts';

/**
 * Docker 28 and newer report the addresses of a container only when clients can already use them. So before the start the host drops each
 * SYN to an address that no container had before: its client sends another one after a second, which the redirect catches.
 */

const PREFIX = 'swapctl-hold-';
const ID_LENGTH = 12;

/** The name of the host's tables for the start of a container. */
export function holdTable(owner: string, id: string): string {
  return `${PREFIX}${id.slice(0, ID_LENGTH)}-${owner}`;
}

export function isHoldTable(owner: string, table: string): boolean {
  return new RegExp(`^${PREFIX}[0-9a-f]{${ID_LENGTH}}-${owner}$`).test(table);
}

/** The networks of a starting container, and the addresses of other containers there. */
export interface Neighbourhood {
  readonly subnets: readonly string[];
  readonly known: readonly string[];
}

/** One nft transaction that drops new TCP connections to new addresses of these subnets, for a while. */
export function holdScript(table: string, { subnets, known }: Neighbourhood, lifetimeMs: number): Script {
  return script([
    ...removal(table),
    `table bridge ${table} {`,
    ...FAMILIES.flatMap(sets),
    ...chain('forward', 'between', ''),
    '}',
    `table inet ${table} {`,
    ...FAMILIES.flatMap(sets),
    // Probes are for the very container; packets for the host itself go over lo.
    ...chain('output', 'own', `oifname != "lo" tcp sport != ${PROBE_PORTS.first}-${PROBE_PORTS.last} `),
    ...chain('forward', 'from_outside', ''),
    '}',
    ...FAMILIES.flatMap((family) => [
      ...elements(table, `fresh_${family}`, ofFamily(family, subnets), ` timeout ${Math.ceil(lifetimeMs / 1000)}s`),
      ...elements(table, `known_${family}`, ofFamily(family, known), ''),
    ]),
  ]);
}

/** One nft transaction that removes those tables, if they exist. */
export function endHoldScript(table: string): Script {
  return script(removal(table));
}

/** True: such a table still drops packets. */
export function isHeld(table: Table): boolean {
  return FAMILIES.some((family) => elementsOf(table, `fresh_${family}`).length > 0);
}

const TABLE_FAMILIES = ['bridge', 'inet'] as const;

function removal(table: string): string[] {
  return TABLE_FAMILIES.flatMap((family) => [`table ${family} ${table}`, `delete table ${family} ${table}`]);
}

function sets(family: Family): string[] {
  return [
    `  set fresh_${family} { typeof ${family} daddr; flags interval,timeout; }`,
    `  set known_${family} { typeof ${family} daddr; }`,
  ];
}

// Packets for the host itself, its address in the bridge included, are not forwarded.
function chain(hook: string, name: string, match: string): string[] {
  return [
    `  chain ${name} {`,
    `    type filter hook ${hook} priority filter; policy accept;`,
    ...FAMILIES.map((ip) => `    ${match}${ip} daddr @fresh_${ip} ${ip} daddr != @known_${ip} ${OPENS} drop`),
    '  }',
  ];
}

function elements(table: string, set: string, values: readonly string[], options: string): string[] {
  if (values.length === 0) return [];
  const list = values.map((value) => `${value}${options}`).join(', ');
  return TABLE_FAMILIES.map((family) => `add element ${family} ${table} ${set} { ${list} }`);
}

function ofFamily(family: Family, addresses: readonly string[]): string[] {
  return [...new Set(addresses)].filter((address) => address.includes(':') === (family === 'ip6'));
}
