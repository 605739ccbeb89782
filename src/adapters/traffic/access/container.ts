import type { Engine } from '../../../ports/engine.ts';
import type { ProxyAccess, ProxyProcess, ProxySocket } from '../../../ports/proxy-access.ts';
import { readText } from '../../files/read.ts';
import { withInside } from './inside.ts';
import { familyOf } from './processes.ts';
import { KILL, LIST, NO_TOOL, NOTHING_THERE, PROCESSES, READ, REMOVE, TALK_TCP, TALK_UNIX, WRITE } from './scripts.ts';
import { exchangeHere, httpBy, httpHere, MOST_ANSWER } from './talk.ts';
import { reaching, unreachable } from './unreachable.ts';
import { TEMPORARY } from './write.ts';

/** The calls of the engine that reach a proxy in a container. */
export type ProxyEngine = Pick<Engine, 'facts' | 'container' | 'exec' | 'kill'>;

const RUN_WITHIN_MS = 60_000;
// Linux takes no longer argument (MAX_ARG_STRLEN).
const MOST_TEXT = 128 * 1024 - 1;

/** A proxy in a container, by its id. `program`: the name of its program. */
export function containerAccess(engine: ProxyEngine, id: string, program: string): ProxyAccess {
  const place = new Place(engine, id, program);
  const reach = async <T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> =>
    reaching(`${program} in container ${id.slice(0, 12)}`, signal, work);
  return {
    // The engines report a missing program differently; a shell reports it always in the same way.
    run: (argv, signal) => reach(signal, () => place.exec(['sh', '-c', 'exec "$@"', 'swapctl', ...argv], signal)),
    read: (path, signal) => reach(signal, () => place.ask(READ, [path], signal)),
    write: (path, text, signal) => reach(signal, () => place.write(path, text, signal)),
    remove: (path, signal) => reach(signal, async () => void (await place.ask(REMOVE, [path], signal))),
    list: (folder, signal) =>
      reach(signal, async () => (await place.ask(LIST, [folder], signal))?.split('\n').filter((name) => name !== '')),
    exchange: (socket, text, signal) =>
      reach(signal, async () => {
        const here = await place.socketHere(socket, (near) => exchangeHere(near, text, signal));
        return here === undefined ? place.exchange(socket, text, signal) : here.answer;
      }),
    http: (socket, request, signal) =>
      reach(signal, async () => {
        const here = await place.socketHere(socket, (near) => httpHere(near, request, signal));
        if (here !== undefined) return here.answer;
        return httpBy((text) => place.exchange(socket, text, signal), socket, request, signal);
      }),
    kill: (name, signal) => reach(signal, () => place.kill(name, signal)),
    processes: (signal) => reach(signal, () => place.processes(signal)),
  };
}

class Place {
  readonly #engine: ProxyEngine;
  readonly #id: string;
  readonly #program: string;

  constructor(engine: ProxyEngine, id: string, program: string) {
    this.#engine = engine;
    this.#id = id;
    this.#program = program;
  }

  /** As the container's own user, unless another one is named. */
  async exec(argv: readonly string[], signal: AbortSignal, user?: string): Promise<{ code: number; output: string }> {
    const options = { timeoutMs: RUN_WITHIN_MS, signal, user, mostOutput: MOST_ANSWER };
    const { exitCode: code, output } = await this.#engine.exec(this.#id, argv, options);
    signal.throwIfAborted();
    if (code === -1) throw new Error(output.trim());
    return { code, output };
  }

  /** Runs a script as root; undefined if it finds nothing. */
  async ask(script: string, args: readonly string[], signal: AbortSignal): Promise<string | undefined> {
    const { code, output } = await this.exec(['sh', '-c', script, 'swapctl', ...args], signal, '0');
    if (code === NOTHING_THERE) return undefined;
    if (code !== 0) throw new Error(output.trim() || `a command in it ended with ${code}`);
    return output;
  }

  async write(path: string, text: string, signal: AbortSignal): Promise<void> {
    if (Buffer.byteLength(text) > MOST_TEXT) throw new Error(`${path} would have more than 128 KiB`);
    await this.ask(WRITE, [path, text, TEMPORARY], signal);
  }

  async processes(signal: AbortSignal): Promise<ProxyProcess[]> {
    const lines = (await this.ask(PROCESSES, [], signal)) ?? '';
    const all = [...lines.matchAll(/^(\d+) (\d+) (.*)$/gm)];
    const found = all.map(([, pid, parent, title = '']) => ({
      pid: Number(pid),
      parent: Number(parent),
      title: title.trim(),
    }));
    return familyOf(found, this.#program);
  }

  // The first process may be an init, which need not pass every signal on.
  async kill(name: string, signal: AbortSignal): Promise<void> {
    const [main] = await this.processes(signal);
    const short = name.replace(/^SIG/, '');
    if (main?.pid === 1) return this.#engine.kill(this.#id, `SIG${short}`);
    await this.ask(KILL, [short, String(main?.pid)], signal);
  }

  /** Speaks to a unix socket in the container's file system, if that is within reach of this process. */
  async socketHere<T>(
    socket: ProxySocket,
    use: (socket: ProxySocket) => Promise<T>,
  ): Promise<{ readonly answer: T } | undefined> {
    if (!('path' in socket)) return undefined;
    const root = await this.#root();
    if (root === undefined) return undefined;
    return withInside(root, socket.path, async (path) => ({ answer: await use({ path }) }));
  }

  // A pid of the engine means another process here if the engine lives in another PID namespace.
  async #root(): Promise<string | undefined> {
    if (!(await this.#engine.facts()).local) return undefined;
    const pid = (await this.#engine.container(this.#id))?.pid ?? 0;
    if (pid <= 0) return undefined;
    const cgroup = await readText(`/proc/${pid}/cgroup`).catch(() => '');
    return cgroup.includes(this.#id) ? `/proc/${pid}/root` : undefined;
  }

  async exchange(socket: ProxySocket, text: string, signal: AbortSignal): Promise<string> {
    const unix = 'path' in socket;
    const args = unix ? [text, socket.path] : [text, socket.host, String(socket.port)];
    const argv = ['sh', '-c', unix ? TALK_UNIX : TALK_TCP, 'swapctl', ...args];
    const { code, output } = await this.exec(argv, signal, '0');
    if (code === NO_TOOL)
      return unreachable(
        `the socket of ${this.#program}`,
        'its image has none of socat, perl and nc',
        'run swapctl as root on the machine of the engine (in a container: with --pid host)',
      );
    if (code !== 0) throw new Error(output.trim() || `the command that speaks to its socket ended with ${code}`);
    return output;
  }
}
