import type { RuleKind } from '../../../core/traffic/kernel-layer.ts';
import type { Route } from '../../../core/traffic/routes.ts';
import {
  addressRedirectTable,
  clearHostScript,
  haltScript,
  hostScript,
  type Lane,
  renewScript,
  targetScript,
} from './address-redirect-rules.ts';
import { GATE_TABLE, gateScript } from './gate.ts';
import { endHoldScript, holdScript, holdTable, type Neighbourhood } from './hold.ts';
import { endScript, type Ground, portRedirectScript, removeScript } from './rules.ts';
import { type Script, together } from './script.ts';

/** Consecutive scripts in one network namespace, as a roll runs them. */
export interface Example {
  readonly kind: RuleKind;
  readonly name: string;
  /** Each with its builder. */
  readonly scripts: readonly (readonly [builder: string, script: Script])[];
}

const OWNER = '01234567';
const TABLE = `swapctl-0123456789ab-${OWNER}`;
const ADDRESS_REDIRECT = addressRedirectTable(OWNER, '0123456789ab', 'ba9876543210');
const HOLD = holdTable(OWNER, '0123456789ab');
const LIFETIME_MS = 12_000;

/** Every script that swapctl runs, with data like a roll's. `ipv6`: true if the kernel supports it. */
export function examples(ipv6: boolean): Example[] {
  return [
    ...GROUNDS.map(([name, ground]) => ({
      kind: 'port redirect' as const,
      name,
      scripts: [
        ['portRedirectScript', portRedirectScript(routes(ipv6), ground)],
        ['endScript', endScript(TABLE, ['192.0.2.9'])],
        ['removeScript', removeScript(TABLE)],
      ] as const,
    })),
    shareExample('ports', [
      ['portRedirectScript', portRedirectScript(routes(ipv6).filter(isAnyAddress), { ...GROUND, percent: 10 })],
    ]),
    shareExample('addresses', [['hostScript', hostScript(ADDRESS_REDIRECT, lanes(ipv6).slice(1), LIFETIME_MS, 10)]]),
    gateExample('gate of a fresh container', true),
    gateExample('gate of a container with connections', false),
    redirectExample('address redirect, host', [
      ['hostScript', hostScript(ADDRESS_REDIRECT, lanes(ipv6).slice(0, 1), LIFETIME_MS)],
      ['hostScript', together(hostScript(ADDRESS_REDIRECT, lanes(ipv6), LIFETIME_MS), endHoldScript(HOLD))],
      ['renewScript', renewScript(ADDRESS_REDIRECT, lanes(ipv6), LIFETIME_MS)],
      ['haltScript', haltScript(ADDRESS_REDIRECT)],
      ['clearHostScript', clearHostScript(ADDRESS_REDIRECT)],
    ]),
    redirectExample('address redirect, hold', [
      ['holdScript', holdScript(HOLD, neighbourhood(ipv6), LIFETIME_MS)],
      ['endHoldScript', endHoldScript(HOLD)],
    ]),
    redirectExample('address redirect, target', [
      ['targetScript', targetScript(ADDRESS_REDIRECT, lanes(ipv6))],
      ['removeScript', removeScript(ADDRESS_REDIRECT)],
    ]),
  ];
}

/** A trial for the namespace of a serving container: it makes the kernel track no connections. */
export function safeExample(): Script {
  return gateScript(LIFETIME_MS, false);
}

function gateExample(name: string, fresh: boolean): Example {
  const scripts = [
    ['gateScript', gateScript(LIFETIME_MS, fresh)],
    ['removeScript', removeScript(GATE_TABLE)],
  ] as const;
  return { kind: 'gate', name, scripts };
}

function redirectExample(name: string, scripts: Example['scripts']): Example {
  return { kind: 'address redirect', name, scripts };
}

function shareExample(of: string, scripts: Example['scripts']): Example {
  return { kind: 'connection share', name: `connection share, ${of}`, scripts };
}

const GROUND: Ground = {
  table: TABLE,
  bridges: ['docker0', 'br-0123456789ab'],
  proxied: true,
  lifetimeMs: LIFETIME_MS,
  leaving: ['192.0.2.8'],
};
const GROUNDS: readonly (readonly [string, Ground])[] = [
  ['port redirect, expiring', GROUND],
  ['port redirect, lasting', { ...GROUND, lifetimeMs: undefined }],
  ['port redirect without userland proxy', { ...GROUND, proxied: false }],
  ['port redirect without bridges', { ...GROUND, bridges: [] }],
];

// Addresses out of the ranges for documentation (RFC 5737, RFC 3849).
function routes(ipv6: boolean): Route[] {
  const hosts = ['0.0.0.0', '192.0.2.2', '127.0.0.1', ...(ipv6 ? ['::', '2001:db8::2', '::1'] : [])];
  return hosts.flatMap((hostIp, at) =>
    (['tcp', 'udp'] as const).map((protocol) => ({
      protocol,
      hostIp,
      hostPort: 8080 + at,
      target: { ip: '192.0.2.9', port: 80, hostPort: 49_153 + at },
    })),
  );
}

// Each family once, as all of this is tried at the start of every roll.
function isAnyAddress({ hostIp }: Route): boolean {
  return hostIp === '0.0.0.0' || hostIp === '::';
}

function neighbourhood(ipv6: boolean): Neighbourhood {
  const six = ipv6 ? [['2001:db8::/64', '2001:db8::2'] as const] : [];
  const pairs = [['192.0.2.0/24', '192.0.2.2'] as const, ...six];
  return { subnets: pairs.map(([subnet]) => subnet), known: pairs.map(([, address]) => address) };
}

function lanes(ipv6: boolean): Lane[] {
  const macs = ['02:42:c0:00:02:02', '02:42:c0:00:02:03'] as const;
  const lane = (family: Lane['family'], from: string, to: string): Lane => ({
    family,
    device: '"br-0123456789ab"',
    from: { ip: from, mac: macs[0] },
    to: { ip: to, mac: macs[1] },
  });
  const six = ipv6 ? [lane('ip6', '2001:db8::2', '2001:db8::3')] : [];
  return [lane('ip', '192.0.2.2', '192.0.2.3'), lane('ip', '198.51.100.2', '198.51.100.3'), ...six];
}
