import type { Closed } from '../../core/traffic/connections.ts';
import type { Closer } from '../../ports/traffic.ts';
import { type Ending, type Started, startProgram } from './program.ts';
import { unavailable } from './socket-diagnostics.ts';

const LONGEST_MS = 10_000;
// Without a filter ss would close all connections, so its input begins with half of one: if swapctl dies, ss closes none.
const CLOSE = ['ss', '-H', '-t', '-n', '-K', 'state', 'established', '-F', '-'];
const BEGIN = '( sport = :0\n';
const END = ')\n';

/**
 * Closes connections in the network namespace of a process. Its program is started beforehand and waits for their names: the longer
 * a close takes, the more likely is a request that arrives in the meantime.
 */
export function socketCloser(pid: number): Closer {
  const start = (): Started => startProgram('nsenter', [`--net=/proc/${pid}/ns/net`, ...CLOSE], BEGIN);
  let spare = start();
  return {
    close: async (ends) => {
      const program = spare;
      const ended = program.finish(`${ends.flatMap(filterOf).join('')}${END}`, LONGEST_MS);
      spare = start();
      return closedBy(await ended);
    },
    end: () => spare.kill(),
  };
}

// One line each, since ss takes no line longer than a kilobyte. The kernel also finds IPv6 sockets by a mapped IPv4 address.
function filterOf(ends: string): string[] {
  const [local, peer] = ends.split(' ').map(plain);
  return local && peer ? [`or ( src ${local} and dst ${peer} )\n`] : [];
}

function plain(end: string): string | undefined {
  const mapped = /^\[::ffff:([\d.]+)\](:\d+)$/.exec(end);
  if (mapped) return `${mapped[1]}${mapped[2]}`;
  return /^(\[[\da-f:]+\]|[\d.]+):\d+$/.test(end) ? end : undefined;
}

// ss prints the connections that it has closed.
function closedBy(ending: Ending): Closed {
  if (ending.kind !== 'exited' || ending.status !== 0) return unavailable(ending, 'see whether ss -K works as root');
  return { available: true, closed: ending.stdout.split('\n').filter((line) => line !== '').length };
}
