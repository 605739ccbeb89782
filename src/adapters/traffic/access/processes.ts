import path from 'node:path';
import type { ProxyProcess } from '../../../ports/proxy-access.ts';

/** Raised as the reason why a proxy's processes can't be named. */
export class NoProxyProcess extends Error {}

/** The processes of a program, its main one first. `mark`: a text in the command line of the main one, if several run. */
export function familyOf(all: readonly ProxyProcess[], program: string, mark?: string): ProxyProcess[] {
  const own = new Map(all.filter(({ title }) => programOf(title) === program).map((one) => [one.pid, one]));
  const mains = [...own.values()].filter(({ parent }) => !own.has(parent));
  const marked = mark === undefined ? mains : mains.filter(({ title }) => words(title).includes(mark));
  const [main, ...others] = marked;
  if (main === undefined) throw new NoProxyProcess(`no ${program} runs${mark === undefined ? '' : ` with ${mark}`}`);
  if (others.length > 0)
    throw new NoProxyProcess(
      `${marked.length} of ${program} run: name one by its configuration file (swapctl.proxy: ${program}:host:/FILE)`,
    );
  return [main, ...descendantsOf(main.pid, [...own.values()])];
}

// nginx names its workers `nginx: worker process`; a program may be started by its path.
function programOf(title: string): string {
  return path.posix.basename(words(title)[0] ?? '').replace(/:$/, '');
}

function words(title: string): string[] {
  return title.split(' ').filter((word) => word !== '');
}

function descendantsOf(pid: number, all: readonly ProxyProcess[]): ProxyProcess[] {
  return all.filter(({ parent }) => parent === pid).flatMap((one) => [one, ...descendantsOf(one.pid, all)]);
}
