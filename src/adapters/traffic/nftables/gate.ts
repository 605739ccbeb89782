import { type Script, script } from './script.ts';

/**
 * Source ports of swapctl's own health probes, above those that the kernel assigns by default (net.ipv4.ip_local_port_range ends at
 * 60999), so that the gate can tell them from traffic.
 */
export const PROBE_PORTS = { first: 61_000, last: 61_999 } as const;

export const GATE_TABLE = 'swapctl-gate';

/**
 * One nft transaction for a container's own network namespace: new TCP connections are refused, unless they come from its
 * loopback or from a probe. They are told by their SYN: in a namespace where connection tracking starts with this very
 * rule, it takes open connections for new ones. Only in a `fresh` container, that has none, are new UDP flows dropped, too.
 */
export function gateScript(lifetimeMs: number, fresh: boolean): Script {
  return script([
    `table inet ${GATE_TABLE}`,
    `delete table inet ${GATE_TABLE}`,
    `table inet ${GATE_TABLE} {`,
    ...shutSet('tcp', lifetimeMs),
    ...shutSet('udp', lifetimeMs),
    '  chain in {',
    '    type filter hook input priority -150; policy accept;',
    '    iifname "lo" accept',
    `    tcp sport ${PROBE_PORTS.first}-${PROBE_PORTS.last} accept`,
    '    tcp flags & (fin | syn | rst | ack) == syn tcp dport @shut_tcp reject with tcp reset',
    ...(fresh ? ['    udp dport @shut_udp ct state new drop'] : []),
    '  }',
    '}',
  ]);
}

// All ports, since nft 1.1.3 and newer refuse a set of protocols beside a match on TCP.
function shutSet(protocol: 'tcp' | 'udp', lifetimeMs: number): string[] {
  return [
    `  set shut_${protocol} {`,
    `    typeof ${protocol} dport; flags interval,timeout;`,
    `    elements = { 0-65535 timeout ${Math.ceil(lifetimeMs / 1000)}s }`,
    '  }',
  ];
}
