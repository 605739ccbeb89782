import path from 'node:path';
import { fail } from '../../../core/model/error.ts';
import type { ProxyAccess } from '../../../ports/proxy-access.ts';
import { type Directive, readNginx } from './config.ts';

/** The known facts of a running nginx. */
export interface Found {
  /** The program with the options that name its configuration. */
  readonly argv: readonly string[];
  readonly file: string;
  readonly config: readonly Directive[];
}

const DEFAULT_FILES = ['/etc/nginx/nginx.conf', '/usr/local/nginx/conf/nginx.conf'];
const TITLE = /^nginx: master process (\S+)(.*)$/;

/** Finds the configuration by the title of the master process. Raises `proxy-config` if there is none. */
export async function findNginx(access: ProxyAccess, signal: AbortSignal): Promise<Found> {
  const [master] = await access.processes(signal);
  const [, program, rest = ''] = TITLE.exec(master?.title ?? '') ?? [];
  if (program === undefined)
    return fail('proxy-config', 'nginx runs without a master process, so it can load no other configuration', {
      hint: 'leave out "master_process off"',
    });
  const options = optionsOf(rest);
  const folder = options.get('p') ?? '/';
  const named = options.get('c');
  const files = named === undefined ? DEFAULT_FILES : [path.posix.resolve(folder, named)];
  const argv = [program, ...[...options].flatMap(([name, value]) => [`-${name}`, value])];
  for (const file of files) {
    const read = (one: string) => access.read(one, signal);
    const config = await readNginx(file, { read, list: (one) => access.list(one, signal) });
    if (config) return { argv, file, config };
  }
  return fail('proxy-config', `nginx's configuration was not found at ${files.join(', ')}`, {
    hint: 'start nginx with -c and an absolute path',
  });
}

// Its title has the words without quotes, and what follows -g has spaces in it.
function optionsOf(text: string): Map<string, string> {
  const found = [...text.matchAll(/ -([cpge]) (.*?)(?= -[cpge] |$)/g)];
  return new Map(found.map(([, name = '', value = '']) => [name, value.trim()]));
}

/** The included file of a route; undefined if there is no such upstream. Raises `proxy-config` for one without it. */
export function fileOfRoute({ file, config }: Found, route: string): string | undefined {
  const upstream = config.flatMap(upstreamsIn).find(({ words }) => words[1] === route);
  if (!upstream?.inside) return undefined;
  const includes = upstream.inside.filter(({ words }) => words[0] === 'include').map(({ words }) => words[1] ?? '');
  const included = includes.find((one) => path.posix.basename(one).replace(/\*$/, '') === `${route}.servers`);
  if (included === undefined)
    return fail('proxy-config', `nginx's upstream ${route} does not include a file ${route}.servers`, {
      hint: `put its server lines into /etc/nginx/swapctl/${route}.servers, and in their place: include swapctl/${route}.servers;`,
    });
  if (upstream.inside.some(({ words, file: own }) => words[0] === 'server' && own === upstream.file))
    return fail('proxy-config', `nginx's upstream ${route} has server lines of its own beside ${included}`, {
      hint: `move them into ${included}: swapctl changes only what is in that file`,
    });
  return path.posix.resolve(path.posix.dirname(file), included.replace(/\*$/, ''));
}

function upstreamsIn(directive: Directive): Directive[] {
  if (directive.words[0] === 'upstream') return [directive];
  return (directive.inside ?? []).flatMap(upstreamsIn);
}
