// A client over UDP that sends a datagram at a fixed rate and waits for the answer to each.
import dgram from 'node:dgram';

export interface UdpOptions {
  address: string;
  port: number;
  ratePerSecond: number;
  /** One socket for all datagrams, as a program has that stays; else one for each. */
  oneSocket?: boolean;
}

export interface UdpReport {
  requests: number;
  /** Datagrams without an answer. */
  failed: number;
  longestGapMs: number;
  byVersion: Record<string, number>;
}

export interface UdpLoad {
  stop(): Promise<UdpReport>;
}

export function startUdp(options: UdpOptions): UdpLoad {
  const report: UdpReport = { requests: 0, failed: 0, longestGapMs: 0, byVersion: {} };
  const underWay = new Set<Promise<void>>();
  const kept = options.oneSocket ? open() : undefined;
  let heardAt: number | undefined;
  let stopped = false;

  async function one(): Promise<void> {
    const socket = kept ?? open();
    report.requests += 1;
    const version = await answer(socket, options);
    if (!kept) socket.close();
    if (version === undefined) {
      report.failed += 1;
      return;
    }
    const now = performance.now();
    report.longestGapMs = Math.max(report.longestGapMs, Math.round(now - (heardAt ?? now)));
    report.byVersion[version] = (report.byVersion[version] ?? 0) + 1;
    heardAt = now;
  }

  const timer = setInterval(() => {
    const datagram = one();
    underWay.add(datagram);
    datagram.finally(() => underWay.delete(datagram));
  }, 1000 / options.ratePerSecond);
  return {
    async stop() {
      clearInterval(timer);
      await Promise.all(underWay);
      if (!stopped) kept?.close();
      stopped = true;
      return report;
    },
  };
}

/** A lost datagram holds up the end of a test for as long, so this is not a minute as for requests. */
const TIMEOUT_MS = 20_000;

let sent = 0;

/** Every datagram bears a number, which its answer repeats: an answer that is late is none for the next one. */
function answer(socket: dgram.Socket, { address, port }: UdpOptions): Promise<string | undefined> {
  return new Promise((resolve) => {
    const number = String(sent++);
    const end = (version: string | undefined) => {
      clearTimeout(timer);
      socket.off('message', onMessage);
      resolve(version);
    };
    const timer = setTimeout(() => end(undefined), TIMEOUT_MS);
    const onMessage = (message: Buffer) => {
      const [version, echo] = String(message).split(' ');
      if (echo === number) end(version);
    };
    socket.on('message', onMessage);
    socket.send(number, port, address);
  });
}

function open(): dgram.Socket {
  // A refusal (ICMP) is an answer that never comes, like any other.
  return dgram
    .createSocket('udp4')
    .on('error', () => {})
    .setMaxListeners(0);
}
