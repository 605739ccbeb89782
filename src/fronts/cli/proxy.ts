import { Argument } from 'commander';
import { fail } from '../../core/model/error.ts';
import { isOnHost, parseProxyPlace, parseRouteName } from '../../core/proxy/place.ts';
import type { Snippet } from '../../core/proxy/snippet.ts';
import { seeHelp } from '../common/failure.ts';
import type { Page } from '../terminal/style.ts';
import type { AddCommand, Finish, OpenSession } from './add-command.ts';
import { type Session, show } from './session.ts';

interface ProxyFlags {
  readonly route?: string;
  readonly port?: string;
}

const VIEWS = ['init'] as const;
const MOST_PORT = 65_535;
const DEFAULTS = { route: 'web', port: '8080' };

/** `swapctl proxy`. */
export function addProxy(add: AddCommand, session: OpenSession, finish: Finish): void {
  add('proxy', 'print the configuration with which swapctl can drive a proxy', [
    'swapctl proxy init nginx:edge --route web --port 8080',
    'swapctl proxy init haproxy:host',
  ])
    .addArgument(new Argument('<what>', 'init: print the lines to put into the configuration').choices(VIEWS))
    .argument('<proxy>', 'driver and container or host: nginx:edge, haproxy:shop/edge, haproxy:host')
    .option('--route <name>', `name of the upstream or backend, and of the service (default: ${DEFAULTS.route})`)
    .option('--port <number>', `port at which the service answers (default: ${DEFAULTS.port})`)
    .action(async (_: string, proxy: string, flags: ProxyFlags) => finish(await runInit(session(), proxy, flags)));
}

async function runInit(session: Session, proxy: string, flags: ProxyFlags): Promise<number> {
  const { route, port } = { ...DEFAULTS, ...flags };
  const hint = seeHelp('swapctl proxy');
  const { driver, place } = parseProxyPlace(proxy, 'PROXY');
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > MOST_PORT)
    return fail('usage', `--port ${port}: it is a number from 1 to ${MOST_PORT}`, { hint });
  const container = isOnHost(place) ? undefined : place;
  const desk = await session.context.openSnippets();
  const wish = { route: parseRouteName(route, '--route'), port: Number(port), place, container };
  const snippet = desk.snippet(driver, wish);
  show(session, snippet, snippetView);
  return 0;
}

function snippetView({ parts, notes }: Snippet, { style }: Page): string[] {
  return [
    ...parts.flatMap(({ file, lines }, at) => [...(at > 0 ? [''] : []), style.bold(`# ${file}`), ...lines]),
    ...(notes.length > 0 ? [''] : []),
    ...notes.map((note) => style.dim(`# ${note}`)),
  ];
}
