import { fail } from '../../../core/model/error.ts';
import type { ProxyAccess, ProxySocket } from '../../../ports/proxy-access.ts';
import { type HaproxyConfig, parseConfig } from './config.ts';
import { type Hold, holdsIn } from './waits.ts';

/** The known facts of a running HAProxy. */
export interface Found {
  readonly program: string;
  /** The options that name its configuration, for a check of it. */
  readonly arguments: readonly string[];
  readonly config: HaproxyConfig;
  readonly socket: ProxySocket;
  /** By backend. */
  readonly holds: ReadonlyMap<string, Hold>;
}

/** Its place in packages and official images. */
const DEFAULT_FILES = ['/etc/haproxy/haproxy.cfg', '/usr/local/etc/haproxy/haproxy.cfg'];

/**
 * Finds the configuration by the command line of the main process, and in it the first stats socket with the level admin. Raises
 * `proxy-config` if there is none.
 */
export async function findHaproxy(access: ProxyAccess, signal: AbortSignal): Promise<Found> {
  const [main] = await access.processes(signal);
  const words = main?.title.split(' ').filter((word) => word !== '') ?? [];
  const named = words.flatMap((word, at) => (words[at - 1] === '-f' ? [word] : []));
  const files = named.length > 0 ? named : DEFAULT_FILES;
  const texts = (await Promise.all(files.map((file) => textsOf(access, file, signal)))).flat();
  if (texts.length === 0)
    return fail('proxy-config', `HAProxy's configuration was not found at ${files.join(', ')}`, {
      hint: 'start HAProxy with -f and an absolute path',
    });
  const config = parseConfig(texts);
  const found = named.flatMap((file) => ['-f', file]);
  return { program: words[0] ?? 'haproxy', arguments: found, config, socket: socketOf(config), holds: holdsIn(texts) };
}

// A folder stands for its files that end with .cfg, in the order of their names.
async function textsOf(access: ProxyAccess, file: string, signal: AbortSignal): Promise<string[]> {
  const names = await access.list(file, signal).catch(() => undefined);
  const files = names
    ?.filter((name) => name.endsWith('.cfg'))
    .sort()
    .map((name) => `${file}/${name}`) ?? [file];
  const texts = await Promise.all(files.map((one) => access.read(one, signal)));
  return texts.filter((text) => text !== undefined);
}

const SOCKET_HINT = 'add to its global section: stats socket /run/haproxy/admin.sock mode 660 level admin';

function socketOf({ sockets, hasSocket }: HaproxyConfig): ProxySocket {
  const usable = sockets.map(parseSocket).find((socket) => socket !== undefined);
  if (usable) return usable;
  if (sockets.length > 0)
    return fail('proxy-config', `swapctl can't use HAProxy's stats socket ${sockets.join(', ')}`, {
      hint: SOCKET_HINT,
    });
  const what = hasSocket ? 'no stats socket of HAProxy has the level admin' : 'HAProxy has no stats socket';
  return fail('proxy-config', what, { hint: SOCKET_HINT });
}

// A socket passed on by a file descriptor or in the abstract namespace is not within reach.
function parseSocket(text: string): ProxySocket | undefined {
  const path = text.replace(/^unix@/, '');
  if (path.startsWith('/')) return { path };
  const [, host = '', port] = /^(?:ipv[46]@)?(\[?[0-9a-fA-F.:]*?\]?|localhost|\*):(\d+)$/.exec(text) ?? [];
  if (port === undefined) return undefined;
  const bare = host.replace(/^\[|\]$/g, '');
  const anywhere = bare === '' || bare === '*' || bare === '0.0.0.0';
  return { host: anywhere ? '127.0.0.1' : bare === '::' ? '::1' : bare, port: Number(port) };
}
