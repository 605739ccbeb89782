import type { Server, Wanted } from '../../../core/proxy/route.ts';
import { parseNginx } from './config.ts';

type Overlay = Extract<Wanted, { kind: 'servers' }>;

/** The included file with the servers of a route. `text`: undefined if there is no file. */
export interface ServersFile {
  readonly text: string | undefined;
  /** As its owner wrote it. */
  readonly baseline: string | undefined;
  readonly overlay: Overlay | undefined;
}

const TITLE =
  '# Servers of an update by swapctl. At its end swapctl restores the lines of the owner, which follow "#|".';
const STATE = '#! ';
const OWNER = '#| ';
const NO_FILE = '#-';

/** Parses the file. It holds the owner's lines during an update, so that they come back even if swapctl dies. */
export function parseServers(text: string | undefined): ServersFile {
  if (!text?.startsWith(`${TITLE}\n`)) return { text, baseline: text, overlay: undefined };
  const lines = text.split('\n');
  const state = lines.find((line) => line.startsWith(STATE))?.slice(STATE.length) ?? '{}';
  const owner = lines.filter((line) => line.startsWith(OWNER)).map((line) => line.slice(OWNER.length));
  const baseline = lines.includes(NO_FILE) ? undefined : owner.join('\n');
  return { text, baseline, overlay: { kind: 'servers', ...JSON.parse(state) } };
}

/** The text of the file for an update. Only what was checked gets into it. */
export function overlayText({ roll, servers }: Overlay, baseline: string | undefined): string {
  const options = optionsOf(baseline);
  const state = { roll, servers: servers.map(({ address, state, weight }) => ({ address, state, weight })) };
  const owner = baseline === undefined ? [NO_FILE] : baseline.split('\n').map((line) => `${OWNER}${line}`);
  const ready = servers.filter(({ state }) => state === 'ready');
  const lines = ready.map(({ address, weight }) => ['server', address, `weight=${weight}`, ...options].join(' '));
  return [TITLE, `${STATE}${JSON.stringify(state)}`, ...owner, ...lines.map((line) => `${line};`), ''].join('\n');
}

// The others are about names, or about which servers get requests.
const KEPT = /^(max_fails|fail_timeout|max_conns)=[\w.]+$/;

function optionsOf(baseline: string | undefined): readonly string[] {
  return serversIn(baseline)[0]?.options.filter((option) => KEPT.test(option)) ?? [];
}

/** A server as the owner wrote it. */
export interface WrittenServer {
  readonly host: string;
  readonly port: number;
  readonly state: Server['state'];
  readonly weight: number;
  readonly options: readonly string[];
}

const HTTP_PORT = 80;

export function serversIn(text: string | undefined): WrittenServer[] {
  const lines = parseNginx(text ?? '').filter(({ words }) => words[0] === 'server');
  return lines.map(({ words: [, address = '', ...options] }) => {
    const [, host = address, port] = /^(.*?)(?::(\d+))?$/.exec(address) ?? [];
    const weight = options.find((option) => option.startsWith('weight='))?.slice('weight='.length);
    const off = options.includes('down') || options.includes('backup');
    return {
      host: host.replace(/^\[|\]$/g, ''),
      port: Number(port ?? HTTP_PORT),
      state: off ? 'off' : 'ready',
      weight: Number(weight ?? 1),
      options,
    };
  });
}
