import path from 'node:path';
import { fail, messageOf } from '../../../core/model/error.ts';
import { addressText } from '../../../core/proxy/check.ts';
import { isRouteName } from '../../../core/proxy/place.ts';
import type { ObservedRoute, Wanted } from '../../../core/proxy/route.ts';
import type { ProxyAccess } from '../../../ports/proxy-access.ts';
import type { TrafficDriver } from '../../../ports/traffic-driver.ts';
import { type Resolve, resolverOf } from '../access/resolve.ts';
import { mustBeSafe, refusedBy } from '../checked.ts';
import { factsOf } from './facts.ts';
import { type Found, fileOfRoute, findNginx } from './find.ts';
import { locked } from './lock.ts';
import { parsePending, pendingFile, Reload, ReloadRefused } from './reload.ts';
import { overlayText, parseServers, type ServersFile, serversIn } from './servers-file.ts';

/**
 * nginx, driven by an included file and a signal: a route is an upstream that includes ROUTE.servers. A change resolves once no old
 * worker process takes a new request.
 */
export function nginxDriver(access: ProxyAccess): TrafficDriver {
  return {
    facts: async (signal) => {
      const { argv, config } = await findNginx(access, signal);
      const { output } = await access.run([argv[0] ?? 'nginx', '-v'], signal);
      await new Reload(access, argv, signal).test().catch(brokenAlready);
      return factsOf(/nginx\/(\d+\.\d+\.\d+)/.exec(output)?.[1] ?? 'unknown', config);
    },
    route: async (name, signal) => {
      if (!isRouteName(name)) return undefined;
      const found = await findNginx(access, signal);
      const file = fileOfRoute(found, name);
      if (file === undefined) return undefined;
      const { inForce } = await look(access, found, file, signal);
      return observed(inForce, resolverOf(access, signal));
    },
    apply: async (name, wanted, signal) => {
      mustBeSafe(name, wanted);
      if (wanted.kind === 'held') return cannotHold();
      const found = await findNginx(access, signal);
      const file = fileOfRoute(found, name) ?? noSuchUpstream(name);
      const change = new Change(access, found, file, signal);
      if (await change.isDone(wanted)) return;
      await locked(access, path.posix.dirname(file), name, signal, () => change.run(name, wanted));
    },
  };
}

interface Seen {
  /** The file as it is. */
  readonly written: ServersFile;
  /** The file as the workers have read it. */
  readonly inForce: ServersFile;
  readonly workers: readonly number[];
  /** A change began that did not come to its end. */
  readonly isPending: boolean;
}

async function look(access: ProxyAccess, { argv }: Found, file: string, signal: AbortSignal): Promise<Seen> {
  const [text, mark, workers] = await Promise.all([
    access.read(file, signal),
    access.read(pendingFile(file), signal),
    new Reload(access, argv, signal).workers(),
  ]);
  const pending = parsePending(mark);
  const isOld = pending?.workers.some((pid) => workers.includes(pid)) ?? false;
  const written = parseServers(text);
  return { written, inForce: isOld ? parseServers(pending?.text) : written, workers, isPending: mark !== undefined };
}

/** The servers of the owner's lines are those that their names stand for now. */
async function observed({ overlay, text }: ServersFile, resolve: Resolve): Promise<ObservedRoute> {
  if (overlay) return { wanted: overlay, servers: overlay.servers };
  const servers = await Promise.all(
    serversIn(text).map(async ({ host, port, state, weight }) => {
      const addresses = await resolve(host);
      return addresses.map((ip) => ({ address: addressText(ip, port), state, weight }));
    }),
  );
  return { wanted: { kind: 'baseline' }, servers: servers.flat() };
}

type Reported = Exclude<Wanted, { kind: 'held' }>;

class Change {
  readonly #access: ProxyAccess;
  readonly #found: Found;
  readonly #file: string;
  readonly #signal: AbortSignal;
  readonly #reload: Reload;

  constructor(access: ProxyAccess, found: Found, file: string, signal: AbortSignal) {
    [this.#access, this.#found, this.#file, this.#signal] = [access, found, file, signal];
    this.#reload = new Reload(access, found.argv, signal);
  }

  async isDone(wanted: Reported): Promise<boolean> {
    const { written, inForce, isPending } = await this.#look();
    const text = textOf(wanted, written);
    return !isPending && written.text === text && inForce.text === text;
  }

  async run(name: string, wanted: Reported): Promise<void> {
    const { written, inForce, workers } = await this.#look();
    const before = inForce.text;
    const pending = JSON.stringify({ workers, text: before });
    await this.#access.write(pendingFile(this.#file), pending, this.#signal);
    try {
      await this.#put(textOf(wanted, written));
      await this.#reload.test();
    } catch (error) {
      await this.#putBack(before);
      return this.#refuse(name, error);
    }
    try {
      await this.#reload.run(workers);
    } catch (error) {
      await this.#putBack(before);
      // It may have been slow only, and read the new file after all.
      await this.#access.kill('HUP', this.#signal);
      return this.#refuse(name, error);
    }
    await this.#access.remove(pendingFile(this.#file), this.#signal);
  }

  #look(): Promise<Seen> {
    return look(this.#access, this.#found, this.#file, this.#signal);
  }

  async #put(text: string | undefined): Promise<void> {
    if (text === undefined) await this.#access.remove(this.#file, this.#signal);
    else await this.#access.write(this.#file, text, this.#signal);
  }

  async #putBack(text: string | undefined): Promise<void> {
    await this.#put(text);
    await this.#access.remove(pendingFile(this.#file), this.#signal);
  }

  #refuse(name: string, error: unknown): never {
    if (!(error instanceof ReloadRefused)) throw error;
    return refusedBy('nginx', name, messageOf(error), `nginx serves as before, and ${this.#file} is as before`);
  }
}

function textOf(wanted: Reported, { baseline }: ServersFile): string | undefined {
  return wanted.kind === 'baseline' ? baseline : overlayText(wanted, baseline);
}

function brokenAlready(error: unknown): never {
  if (!(error instanceof ReloadRefused)) throw error;
  return fail('proxy-config', `nginx's configuration is broken: ${error.message}`, {
    hint: 'nginx runs with the configuration that it loaded before; repair it, and check it with nginx -t',
  });
}

function cannotHold(): never {
  return fail('proxy-refused', 'nginx can hold no requests', {
    hint: 'nothing was changed; leave out swapctl.proxy.hold',
  });
}

function noSuchUpstream(name: string): never {
  return fail('proxy-config', `nginx has no upstream ${name}`, {
    hint: 'name the upstream of the service with swapctl.proxy.route',
  });
}
