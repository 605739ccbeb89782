/** One socket of a network namespace. */
export interface Socket {
  readonly localPort: number;
  /** True: only its own network namespace can reach it, by a loopback address. */
  readonly loopback: boolean;
  /** Dotted, also for an IPv6 socket with an IPv4 peer; undefined for an IPv6 peer. */
  readonly remoteAddress: string | undefined;
  readonly remotePort: number;
  readonly state: 'listening' | 'open' | 'other';
}

// States of /proc/net/tcp (Linux include/net/tcp_states.h). SYN_RECV counts as open: the client already takes it as open.
const STATES: Record<string, Socket['state']> = { '01': 'open', '03': 'open', '0A': 'listening' };

/** The sockets in the text of /proc/PID/net/tcp or tcp6 (proc_net_tcp.txt of the Linux kernel). */
export function parseSockets(table: string): Socket[] {
  return table
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local = '', remote = '', state = ''] = line.trim().split(/\s+/);
      const [address = '', port] = remote.split(':');
      const [localAddress = '', localPort = ''] = local.split(':');
      if (port === undefined) return [];
      return [
        {
          localPort: Number.parseInt(localPort, 16),
          loopback: isLoopback(localAddress),
          remoteAddress: ipv4Of(address),
          remotePort: Number.parseInt(port, 16),
          state: STATES[state] ?? 'other',
        },
      ];
    });
}

/** An IPv4 address as /proc writes it: hex in the machine's byte order (little endian on all that Docker runs on). */
export function dotted(hex: string): string {
  return [6, 4, 2, 0].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).join('.');
}

const MAPPED = '0000000000000000FFFF0000';

const LOOPBACK_V6 = '00000000000000000000000001000000';

function isLoopback(hex: string): boolean {
  return hex === LOOPBACK_V6 || ipv4Of(hex)?.startsWith('127.') === true;
}

function ipv4Of(hex: string): string | undefined {
  if (hex.length === 8) return dotted(hex);
  return hex.startsWith(MAPPED) ? dotted(hex.slice(MAPPED.length)) : undefined;
}
