// The loop's requirements of an engine: the same statements about the one in memory and about real ones, so that they can't drift apart.
import assert from 'node:assert/strict';
import test, { suite, type TestContext } from 'node:test';
import type { ContainerConfig, CreateRequest, HostConfig } from '../../src/core/model/container.ts';
import { EngineError } from '../../src/core/model/engine-error.ts';
import type { Engine } from '../../src/ports/engine.ts';

/** The program of an image. A running one prints `up`. */
export type Program =
  /** Runs, and ends with 0 on its stop signal. */
  | 'runs'
  /** Runs, and ignores its stop signal. */
  | 'deaf'
  /** Runs, and ends with 3 on SIGHUP. */
  | 'reloads'
  /** Prints three lines and ends with 3. */
  | 'ends'
  /** Does not exist. */
  | 'missing';

export interface ImageAsked {
  readonly labels?: Record<string, string>;
  readonly env?: Record<string, string>;
  readonly volumes?: readonly string[];
  /** Every 200 ms, twice in a row. */
  readonly health?: 'well' | 'sick';
}

/** An engine, a user's actions on it, and its passing of time. */
export interface Stage {
  readonly engine: Engine;
  /** A unique name. */
  name(suffix: string): string;
  /** Makes an image; resolves with its reference. */
  image(suffixAndTag: string, program: Program, asked?: ImageAsked): Promise<string>;
  network(suffix: string): Promise<string>;
  pause(id: string): Promise<void>;
  unpause(id: string): Promise<void>;
  /** Repeats until the answer is defined. */
  until<T>(what: string, ask: () => Promise<T | undefined | false>): Promise<T>;
  /** Milliseconds since the epoch, by the engine's clock. */
  now(): number;
  /** A reference in a registry, and the digest of the pushed image; the engine does not have it. */
  pushed(suffix: string): Promise<{ readonly reference: string; readonly digest: string }>;
}

/** The behaviour of Docker that the engine in memory lacks. */
export const NOT_MODELLED = [
  'builds: BuildKit and the classic builder',
  "the containerd image store's ids, and indexes of several platforms",
  'IPv6, MAC addresses that users ask for, links, and the options of network drivers',
  'DNS: which addresses a name has is read off the endpoints, and nobody caches them',
  'layers, sizes and progress of pulls; logins and mirrors of registries',
  'drivers of volumes, tmpfs, and the contents that an image puts into a new volume',
  'owners, modes and links of files',
  'limits of resources, the out-of-memory killer, and exit codes of signals other than TERM and KILL',
  'attach, resize, checkpoint, commit, export, import and prune',
  'swarm, plugins and authorization',
  "Podman's dialect",
  'how long calls take: each that changes something takes three milliseconds',
] as const;

type Open = (t: TestContext) => Promise<Stage>;

/** Declares the contract for one engine. */
export function engineContract(what: string, open: Open): void {
  suite(`the engine port: ${what}`, () => {
    for (const [about, rules] of Object.entries(RULES))
      suite(about, () => {
        for (const [name, rule] of Object.entries(rules)) test(name, async (t) => rule(await open(t), t));
      });
  });
}

type Rule = (stage: Stage, t: TestContext) => Promise<void>;

interface Asked {
  readonly config?: ContainerConfig;
  readonly host?: HostConfig;
  readonly network?: string;
}

function request(stage: Stage, suffix: string, image: string, { config, host, network }: Asked = {}): CreateRequest {
  return {
    name: stage.name(suffix),
    config: { Image: image, ...config },
    host: { ...(network && { NetworkMode: network }), ...host },
    networks: network ? { [network]: { Aliases: ['app'] } } : {},
  };
}

function made(stage: Stage, suffix: string, image: string, asked?: Asked): Promise<string> {
  return stage.engine.create(request(stage, suffix, image, asked));
}

async function running(stage: Stage, suffix: string, asked?: Asked, image?: string): Promise<string> {
  const id = await made(stage, suffix, image ?? (await stage.image('runs:1', 'runs')), asked);
  await stage.engine.start(id);
  // An earlier signal may still hit the process that starts it.
  await stage.until('its program is there', async () => (await stage.engine.logs(id, 1)).includes('up'));
  return id;
}

/** Fails unless the engine refuses with that status; resolves with its message. */
async function refused(status: number | readonly number[], call: Promise<unknown>): Promise<EngineError> {
  const statuses = typeof status === 'number' ? [status] : status;
  const error = await call.then(
    () => assert.fail(`it was not refused, though ${statuses} was due`),
    (raised: unknown) => raised,
  );
  assert.ok(error instanceof EngineError, String(error));
  assert.ok(statuses.includes(error.status), `${error.status}, not ${statuses}: ${error.message}`);
  return error;
}

async function shown(stage: Stage, id: string) {
  return (await stage.engine.container(id)) ?? assert.fail(`${id} is gone`);
}

function until(stage: Stage, id: string, status: string): Promise<unknown> {
  return stage.until(
    `${id.slice(0, 12)} is ${status}`,
    async () => (await stage.engine.container(id))?.status === status,
  );
}

const ABSENT = 'no-such-thing-anywhere';

const CREATE: Record<string, Rule> = {
  'shows what was asked for and what the image brings': async (stage) => {
    const image = await stage.image('app:1', 'runs', {
      labels: { of: 'image', both: 'image' },
      env: { A: 'i', B: 'i' },
    });
    const labels = { both: 'user', own: 'user' };
    const id = await made(stage, 'web', image, { config: { Labels: labels, Env: ['B=u', 'C=u'] } });
    const found = await shown(stage, id);
    assert.equal(found.id, id);
    assert.match(id, /^[0-9a-f]{64}$/);
    assert.equal(found.name, stage.name('web'));
    assert.equal(found.config.Image, image);
    assert.equal(found.imageId, (await stage.engine.image(image))?.id);
    const { of, both, own } = found.config.Labels ?? {};
    assert.deepEqual({ of, both, own }, { of: 'image', both: 'user', own: 'user' });
    assert.deepEqual(
      found.config.Env?.filter((pair) => /^[ABC]=/.test(pair)),
      ['B=u', 'C=u', 'A=i'],
      "the user's first, the image's behind",
    );
    assert.equal(found.config.Hostname, id.slice(0, 12));
  },
  'shows one that was never started': async (stage) => {
    const image = await stage.image('app:1', 'runs', { health: 'well' });
    const before = stage.now();
    const { status, pid, exitCode, error, startedAt, restartCount, createdAt, health } = await shown(
      stage,
      await made(stage, 'web', image),
    );
    assert.deepEqual(
      { status, pid, exitCode, error, startedAt, restartCount, health },
      { status: 'created', pid: 0, exitCode: 0, error: '', startedAt: 0, restartCount: 0, health: undefined },
    );
    assert.ok(createdAt >= before - 1000, `made at ${createdAt}, asked for at ${before}`);
  },
  'refuses a name that is taken, whatever has it': async (stage) => {
    const image = await stage.image('app:1', 'runs');
    const first = await made(stage, 'web', image);
    const { message } = await refused(409, made(stage, 'web', image));
    assert.match(message, /already in use/);
    assert.equal((await stage.engine.container(stage.name('web')))?.id, first);
  },
  'of many at the same time, one gets the name': async (stage) => {
    const image = await stage.image('app:1', 'runs');
    const tries = await Promise.allSettled([1, 2, 3, 4].map(() => made(stage, 'web', image)));
    assert.equal(tries.filter(({ status }) => status === 'fulfilled').length, 1);
  },
  'refuses an image that is not there': async (stage) => {
    await refused(404, made(stage, 'web', `${ABSENT}:1`));
  },
  'refuses --rm with a restart policy': async (stage) => {
    const host = { AutoRemove: true, RestartPolicy: { Name: 'always' } };
    await refused(400, made(stage, 'web', await stage.image('app:1', 'runs'), { host }));
  },
  'keeps the command unless another one, or an entrypoint, is given': async (stage) => {
    const image = await stage.image('app:1', 'runs');
    const { Cmd } = (await stage.engine.image(image))?.config ?? {};
    assert.deepEqual((await shown(stage, await made(stage, 'a', image))).config.Cmd, Cmd);
    const other = await shown(stage, await made(stage, 'b', image, { config: { Entrypoint: ['/bin/sh'] } }));
    assert.deepEqual([other.config.Entrypoint, other.config.Cmd ?? null], [['/bin/sh'], null]);
    const both = await shown(
      stage,
      await made(stage, 'c', image, { config: { Entrypoint: ['/bin/rm'], Cmd: ['-rf'] } }),
    );
    assert.deepEqual([both.config.Entrypoint, both.config.Cmd], [['/bin/rm'], ['-rf']]);
  },
  'has the endpoints that were asked for, without addresses': async (stage) => {
    const network = await stage.network('net');
    const { networks } = await shown(stage, await made(stage, 'web', await stage.image('app:1', 'runs'), { network }));
    assert.deepEqual(Object.keys(networks), [network]);
    assert.equal(networks[network]?.IPAddress, '');
    assert.deepEqual(networks[network]?.Aliases, ['app']);
  },
  'mounts what is asked for, and a new volume where the image declares one': async (stage) => {
    const image = await stage.image('app:1', 'runs', { volumes: ['/cache'] });
    const volume = stage.name('data');
    const { mounts } = await shown(stage, await made(stage, 'web', image, { host: { Binds: [`${volume}:/data:ro`] } }));
    const found = Object.fromEntries(mounts.map((mount) => [mount.target, mount]));
    assert.deepEqual(Object.keys(found).sort(), ['/cache', '/data']);
    const { type, name, writable, driver } = found['/data'] ?? {};
    assert.deepEqual(
      { type, name, writable, driver },
      { type: 'volume', name: volume, writable: false, driver: 'local' },
    );
    assert.match(found['/cache']?.name ?? '', /^[0-9a-f]{64}$/);
    assert.equal(found['/cache']?.writable, true);
  },
};

const LOOK: Record<string, Rule> = {
  'a container is found by its name, its id, and the beginning of that': async (stage) => {
    const id = await made(stage, 'web', await stage.image('app:1', 'runs'));
    for (const reference of [id, id.slice(0, 12), stage.name('web')])
      assert.equal((await stage.engine.container(reference))?.id, id);
    for (const reference of [ABSENT, '', stage.name('we')])
      assert.equal(await stage.engine.container(reference), undefined);
  },
  'the list tells of all, also of those that never ran': async (stage) => {
    const image = await stage.image('app:1', 'runs', { labels: { of: 'image' } });
    const network = await stage.network('net');
    const idle = await made(stage, 'idle', image, { config: { Labels: { own: 'user' } } });
    const busy = await made(stage, 'busy', image, { network });
    await stage.engine.start(busy);
    const mate = await made(stage, 'mate', image, { host: { NetworkMode: `container:${busy}` } });
    const all = new Map((await stage.engine.list()).map((one) => [one.id, one]));
    const { name, status, labels, addresses, imageId } = all.get(idle) ?? assert.fail('it is not listed');
    assert.deepEqual([name, status, labels.of, labels.own], [stage.name('idle'), 'created', 'image', 'user']);
    assert.deepEqual(addresses, []);
    assert.equal(imageId, (await stage.engine.image(image))?.id);
    const address = (await shown(stage, busy)).networks[network]?.IPAddress;
    assert.match(address ?? '', /./);
    assert.deepEqual(all.get(busy)?.addresses, [address]);
    assert.equal(all.get(mate)?.networkOf, busy);
    assert.equal(all.get(busy)?.networkOf, undefined);
  },
  'the list shows the name of the image, and its id once the name means another': async (stage) => {
    const image = await stage.image('app:1', 'runs');
    const id = await made(stage, 'web', image);
    const entry = async () => (await stage.engine.list()).find((one) => one.id === id);
    assert.equal((await entry())?.image, image);
    const { imageId } = await shown(stage, id);
    const other = (await stage.engine.image(await stage.image('app:2', 'runs', { env: { V: '2' } })))?.id ?? '';
    await stage.engine.tag(other, image);
    assert.equal((await entry())?.image, imageId);
    assert.equal((await shown(stage, id)).config.Image, image);
  },
  'the newest comes first in the list': async (stage) => {
    const image = await stage.image('app:1', 'runs');
    const ids = [await made(stage, 'a', image), await made(stage, 'b', image)];
    const listed = (await stage.engine.list()).map(({ id }) => id).filter((id) => ids.includes(id));
    assert.deepEqual(listed, ids.reverse());
  },
  'the engine tells what it is': async (stage) => {
    const { id, product, os, architecture, imageStore, clockOffsetMs } = await stage.engine.facts();
    assert.notEqual(id.trim(), '');
    assert.deepEqual([product, os], ['docker', 'linux']);
    assert.match(architecture, /./);
    assert.match(imageStore, /^(classic|containerd)$/);
    assert.ok(Math.abs(clockOffsetMs) < 60_000, `its clock differs by ${clockOffsetMs} ms`);
  },
  'no network of it is of a Swarm that it is not in': async (stage) => {
    await stage.network('own');
    assert.deepEqual(await stage.engine.swarmNetworks(), []);
  },
  'its bridges are told with their subnets': async (stage) => {
    const network = await stage.network('net');
    const { networks } = await shown(stage, await running(stage, 'web', { network }));
    const [a, b] = (networks[network]?.IPAddress ?? '').split('.');
    const bridges = await stage.engine.bridges();
    assert.ok(
      bridges.some(({ subnets }) => subnets.some((subnet) => subnet.startsWith(`${a}.${b}.`))),
      JSON.stringify(bridges),
    );
  },
};

const RUN: Record<string, Rule> = {
  'one that was started runs, and has its addresses': async (stage) => {
    const network = await stage.network('net');
    const found = await shown(stage, await running(stage, 'web', { network }));
    assert.equal(found.status, 'running');
    assert.notEqual(found.pid, 0);
    assert.ok(found.startedAt >= found.createdAt, `made at ${found.createdAt}, started at ${found.startedAt}`);
    assert.match(found.networks[network]?.IPAddress ?? '', /^\d+\.\d+\.\d+\.\d+$/);
    assert.match(found.networks[network]?.MacAddress ?? '', /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/);
  },
  'its addresses are handed over once, before the start is over, where the engine reports them': async (stage) => {
    const network = await stage.network('net');
    const id = await made(stage, 'web', await stage.image('runs:1', 'runs'), { network });
    const handed: (readonly (string | undefined)[])[] = [];
    await stage.engine.start(id, async (networks) => {
      handed.push([...Object.keys(networks), networks[network]?.IPAddress, networks[network]?.MacAddress]);
    });
    const { IPAddress, MacAddress } = (await shown(stage, id)).networks[network] ?? {};
    assert.deepEqual(handed, handed.length > 0 ? [[network, IPAddress, MacAddress]] : []);
    await stage.engine.start(id, async () => assert.fail('one that runs has joined before'));
  },
  'to start one that runs does nothing': async (stage) => {
    const id = await running(stage, 'web');
    const { pid, startedAt } = await shown(stage, id);
    await stage.engine.start(id);
    const now = await shown(stage, id);
    assert.deepEqual([now.pid, now.startedAt], [pid, startedAt]);
  },
  'what is not there can not be started': async (stage) => {
    await refused(404, stage.engine.start(ABSENT));
  },
  'one without its program is refused, and says why': async (stage) => {
    const id = await made(stage, 'web', await stage.image('bad:1', 'missing'));
    const error = await refused([400, 404, 500], stage.engine.start(id));
    assert.match(error.message, /not found|no such file/);
    const { status, exitCode, error: said, startedAt, pid } = await shown(stage, id);
    assert.deepEqual([status, exitCode, startedAt, pid], ['created', 127, 0, 0]);
    assert.match(said, /not found|no such file/);
  },
  'one whose host port is taken is refused, and says why': async (stage) => {
    const { published } = await shown(stage, await running(stage, 'a', { ...publishing('') }));
    const taken = String(published[0]?.hostPort);
    assert.match(taken, /^\d+$/);
    const id = await made(stage, 'b', await stage.image('runs:1', 'runs'), { ...publishing(taken) });
    assert.match((await refused(500, stage.engine.start(id))).message, /port is already allocated/);
    const found = await shown(stage, id);
    assert.deepEqual([found.status, found.exitCode, found.pid], ['created', 128, 0]);
    assert.match(found.error, /port is already allocated/);
    assert.deepEqual(found.published, []);
  },
  'a host port is free again once its container is down': async (stage) => {
    const first = await running(stage, 'a', { ...publishing('') });
    const taken = String((await shown(stage, first)).published[0]?.hostPort);
    const second = await made(stage, 'b', await stage.image('runs:1', 'runs'), { ...publishing(taken) });
    await stage.engine.stop(first);
    assert.deepEqual((await shown(stage, first)).published, []);
    await stage.engine.start(second);
    assert.equal(String((await shown(stage, second)).published[0]?.hostPort), taken);
  },
  "one that lives in another's network is refused while that is down": async (stage) => {
    const image = await stage.image('runs:1', 'runs');
    const owner = await made(stage, 'owner', image);
    const mate = await made(stage, 'mate', image, { host: { NetworkMode: `container:${owner}` } });
    assert.match((await refused(409, stage.engine.start(mate))).message, /cannot join network of a non running/);
    await stage.engine.start(owner);
    await stage.engine.start(mate);
    assert.deepEqual((await shown(stage, mate)).networks, {});
    await stage.engine.stop(mate);
    await stage.engine.remove(owner, { discard: true });
    await refused([404, 500], stage.engine.start(mate));
  },
  'one that ends by itself has its exit code, and what it printed': async (stage) => {
    const id = await made(stage, 'web', await stage.image('ends:1', 'ends'));
    await stage.engine.start(id);
    await until(stage, id, 'exited');
    const { exitCode, pid, networks } = await shown(stage, id);
    assert.deepEqual([exitCode, pid], [3, 0]);
    assert.deepEqual([...new Set(Object.values(networks).map(({ IPAddress }) => IPAddress))], ['']);
    assert.deepEqual(await stage.engine.logs(id, 2), ['two', 'three']);
    assert.deepEqual(await stage.engine.logs(id, 20), ['one', 'two', 'three']);
  },
  'one with --rm that ends by itself is gone': async (stage) => {
    const id = await made(stage, 'web', await stage.image('ends:1', 'ends'), { host: { AutoRemove: true } });
    await stage.engine.start(id);
    await stage.until('it is gone', async () => (await stage.engine.container(id)) === undefined);
  },
  'one that was never started stays, also with --rm': async (stage) => {
    const id = await made(stage, 'web', await stage.image('bad:1', 'missing'), { host: { AutoRemove: true } });
    assert.equal((await shown(stage, id)).host.AutoRemove, true);
  },
  'a restart policy starts it again, as often as it says': async (stage) => {
    const host = { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 } };
    const id = await made(stage, 'web', await stage.image('ends:1', 'ends'), { host });
    assert.equal(await stage.engine.lastExit(id), undefined, 'it has not run yet');
    await stage.engine.start(id);
    await stage.until('its first run has ended', async () => (await stage.engine.lastExit(id)) === 3);
    const again = async () => {
      const { status, restartCount } = await shown(stage, id);
      return status === 'exited' && restartCount === 2;
    };
    await stage.until('it was tried twice more', again);
    assert.equal((await shown(stage, id)).exitCode, 3);
  },
  'wait resolves with the exit code, at once where it is down': async (stage) => {
    const id = await made(stage, 'web', await stage.image('ends:1', 'ends'));
    await stage.engine.start(id);
    assert.equal(await stage.engine.wait(id), 3);
    assert.equal(await stage.engine.wait(id), 3);
    await refused(404, stage.engine.wait(ABSENT));
  },
};

// Older engines publish only what is exposed, too.
function publishing(hostPort: string): Asked {
  const host = { PortBindings: { '8080/tcp': [{ HostIp: '127.0.0.1', HostPort: hostPort }] } };
  return { host, config: { ExposedPorts: { '8080/tcp': {} } } };
}

const STOP: Record<string, Rule> = {
  'one that listens ends by itself': async (stage) => {
    const id = await running(stage, 'web');
    await stage.engine.stop(id);
    const { status, exitCode, pid } = await shown(stage, id);
    assert.deepEqual([status, exitCode, pid], ['exited', 0, 0]);
  },
  'one that does not listen is killed after its time': async (stage) => {
    const image = await stage.image('deaf:1', 'deaf');
    const id = await running(stage, 'web', { config: { StopTimeout: 1 } }, image);
    const before = stage.now();
    await stage.engine.stop(id);
    assert.ok(stage.now() - before >= 900, `it had ${stage.now() - before} ms`);
    const { status, exitCode } = await shown(stage, id);
    assert.deepEqual([status, exitCode], ['exited', 137]);
  },
  'what is down, or not there, is as good as stopped': async (stage) => {
    const id = await running(stage, 'web');
    await stage.engine.stop(id);
    await stage.engine.stop(id);
    await stage.engine.stop(ABSENT);
    const idle = await made(stage, 'idle', await stage.image('runs:1', 'runs'));
    await stage.engine.stop(idle);
    assert.equal((await shown(stage, idle)).status, 'created');
  },
  'it stays down, whatever its restart policy': async (stage) => {
    const id = await running(stage, 'web', { host: { RestartPolicy: { Name: 'always' } } });
    await stage.engine.stop(id);
    const { status, restartCount, host } = await shown(stage, id);
    assert.deepEqual([status, restartCount, host.RestartPolicy?.Name], ['exited', 0, 'always']);
  },
  'one with --rm is gone, and its name free': async (stage) => {
    const id = await running(stage, 'web', { host: { AutoRemove: true } });
    await stage.engine.stop(id);
    assert.equal(await stage.engine.container(id), undefined);
    await made(stage, 'web', await stage.image('runs:1', 'runs'));
  },
  'two at the same time both resolve': async (stage) => {
    const id = await running(stage, 'web');
    await Promise.all([stage.engine.stop(id), stage.engine.stop(id)]);
    assert.equal((await shown(stage, id)).status, 'exited');
  },
  'one that was stopped starts again, and counts as never failed': async (stage) => {
    const id = await running(stage, 'web');
    const before = await shown(stage, id);
    await stage.engine.stop(id);
    await stage.engine.start(id);
    const now = await shown(stage, id);
    assert.deepEqual([now.status, now.exitCode, now.restartCount], ['running', 0, 0]);
    assert.ok(now.startedAt > before.startedAt, 'it was started later');
    assert.notEqual(now.pid, before.pid);
  },
  'a paused one ends when it is stopped': async (stage) => {
    const id = await running(stage, 'web');
    await stage.pause(id);
    assert.equal((await shown(stage, id)).status, 'paused');
    await refused(409, stage.engine.start(id));
    await refused(409, stage.engine.exec(id, ['true'], { timeoutMs: 60_000 }));
    await refused(409, stage.engine.remove(id));
    await stage.engine.stop(id);
    assert.equal((await shown(stage, id)).status, 'exited');
  },
  'a paused one runs again once it is let': async (stage) => {
    const id = await running(stage, 'web');
    await stage.pause(id);
    await stage.unpause(id);
    assert.equal((await shown(stage, id)).status, 'running');
  },
  'a signal is only a signal': async (stage) => {
    const id = await running(stage, 'web', {}, await stage.image('deaf:1', 'deaf'));
    await stage.engine.kill(id, 'SIGTERM');
    assert.equal((await shown(stage, id)).status, 'running');
    await stage.engine.kill(id, 'SIGKILL');
    await until(stage, id, 'exited');
    assert.equal((await shown(stage, id)).exitCode, 137);
    await refused(409, stage.engine.kill(id, 'SIGHUP'));
    await refused(404, stage.engine.kill(ABSENT, 'SIGHUP'));
  },
  'a restart is a stop and a start of the same container': async (stage) => {
    const id = await running(stage, 'web', { host: { AutoRemove: true } });
    const before = await shown(stage, id);
    await stage.engine.restart(id);
    const after = await shown(stage, id);
    assert.deepEqual([after.status, after.id], ['running', id]);
    assert.ok(after.startedAt > before.startedAt, 'it was started again');
    const down = await made(stage, 'down', await stage.image('runs:1', 'runs'));
    await stage.engine.restart(down);
    assert.equal((await shown(stage, down)).status, 'running', 'one that is down is started');
    await refused(404, stage.engine.restart(ABSENT));
  },
  'the engine tells of a stop that is under way': async (stage) => {
    const id = await running(stage, 'web', { config: { StopTimeout: 2 } }, await stage.image('deaf:1', 'deaf'));
    await stage.engine.kill(id, 'SIGHUP');
    assert.equal(await stage.engine.isStopping(id), false);
    const stopped = stage.engine.stop(id);
    await stage.until('it is told', () => stage.engine.isStopping(id));
    assert.equal((await shown(stage, id)).status, 'running');
    await stopped;
    assert.equal(await stage.engine.isStopping(id), false);
    await stage.engine.start(id);
    assert.equal(await stage.engine.isStopping(id), false, 'what ended before is past');
    assert.equal(await stage.engine.isStopping(ABSENT), false);
  },
  'the engine tells whether somebody stopped it': async (stage) => {
    const stopped = await running(stage, 'stopped');
    await stage.engine.stop(stopped);
    assert.equal(await stage.engine.wasStopped(stopped), true);
    const ended = await made(stage, 'ended', await stage.image('ends:1', 'ends'));
    await stage.engine.start(ended);
    await until(stage, ended, 'exited');
    assert.equal(await stage.engine.wasStopped(ended), false);
    const asked = await running(stage, 'asked', {}, await stage.image('reloads:1', 'reloads'));
    await stage.engine.kill(asked, 'SIGHUP');
    await until(stage, asked, 'exited');
    assert.equal(await stage.engine.wasStopped(asked), false, 'a request to reload is no stop');
    const removed = await running(stage, 'removed', { host: { AutoRemove: true } });
    await stage.engine.stop(removed);
    assert.equal(await stage.engine.wasStopped(removed), true, 'also of one that is gone');
    const forced = await running(stage, 'forced');
    await stage.engine.remove(forced, { discard: true });
    assert.equal(await stage.engine.wasStopped(forced), true, 'or was removed while it ran');
  },
};

const NAMES: Record<string, Rule> = {
  'a rename moves the name': async (stage) => {
    const id = await running(stage, 'a');
    await stage.engine.rename(id, stage.name('b'));
    assert.equal((await stage.engine.container(stage.name('b')))?.id, id);
    assert.equal(await stage.engine.container(stage.name('a')), undefined);
    await made(stage, 'a', await stage.image('runs:1', 'runs'));
  },
  'a name that is taken is refused': async (stage) => {
    const image = await stage.image('runs:1', 'runs');
    const [a, b] = [await made(stage, 'a', image), await made(stage, 'b', image)];
    await refused(409, stage.engine.rename(a, stage.name('b')));
    assert.equal((await stage.engine.container(stage.name('b')))?.id, b);
    assert.equal((await shown(stage, a)).name, stage.name('a'));
  },
  'a rename to its own name does nothing': async (stage) => {
    const id = await made(stage, 'a', await stage.image('runs:1', 'runs'));
    await stage.engine.rename(id, stage.name('a'));
    assert.equal((await shown(stage, id)).name, stage.name('a'));
  },
  'what is not there has no name': async (stage) => {
    await refused(404, stage.engine.rename(ABSENT, stage.name('a')));
  },
};

const REMOVE: Record<string, Rule> = {
  'one that runs is only removed by force': async (stage) => {
    const id = await running(stage, 'web');
    await refused(409, stage.engine.remove(id));
    assert.equal((await shown(stage, id)).status, 'running');
    await stage.engine.remove(id, { discard: true });
    assert.equal(await stage.engine.container(id), undefined);
  },
  'one that is down is removed, and its name is free': async (stage) => {
    const id = await running(stage, 'web');
    await stage.engine.stop(id);
    await stage.engine.remove(id);
    assert.equal(await stage.engine.container(id), undefined);
    await made(stage, 'web', await stage.image('runs:1', 'runs'));
  },
  'what is not there is as good as removed': async (stage) => {
    await stage.engine.remove(ABSENT);
    await stage.engine.remove(ABSENT, { discard: true });
  },
  'two at the same time both resolve': async (stage) => {
    const id = await running(stage, 'web');
    const remove = () => stage.engine.remove(id, { discard: true });
    await Promise.all([remove(), remove()]);
    assert.equal(await stage.engine.container(id), undefined);
  },
  'volumes stay, and only what was made for it alone is discarded': async (stage) => {
    const image = await stage.image('app:1', 'runs', { volumes: ['/cache'] });
    const data = stage.name('data');
    const [kept, gone] = [
      await made(stage, 'a', image),
      await made(stage, 'b', image, { host: { Binds: [`${data}:/data`] } }),
    ];
    const anonymous = async (id: string) =>
      (await shown(stage, id)).mounts.find(({ target }) => target === '/cache')?.name ?? '';
    const [first, second] = [await anonymous(kept), await anonymous(gone)];
    const heir = await made(stage, 'c', image, {
      host: { Mounts: [{ Type: 'volume', Source: first, Target: '/cache' }] },
    });
    await stage.engine.remove(kept);
    await stage.engine.remove(gone, { discard: true });
    await stage.engine.remove(heir, { discard: true });
    assert.ok(await stage.engine.volume(first), 'what it took over by name stays');
    assert.equal(await stage.engine.volume(second), undefined);
    assert.equal((await stage.engine.volume(data))?.name, data);
    await stage.engine.removeVolume(first);
  },
};

const SETTINGS: Record<string, Rule> = {
  'a restart policy can be changed, also of one that never ran': async (stage) => {
    const id = await made(stage, 'web', await stage.image('runs:1', 'runs'));
    for (const count of [1, 2]) {
      await stage.engine.setRestart(id, { Name: 'on-failure', MaximumRetryCount: count });
      const { Name, MaximumRetryCount } = (await shown(stage, id)).host.RestartPolicy ?? {};
      assert.deepEqual([Name, MaximumRetryCount], ['on-failure', count]);
    }
    await refused(404, stage.engine.setRestart(ABSENT, { Name: 'no' }));
  },
  'one with --rm can have none': async (stage) => {
    const id = await made(stage, 'web', await stage.image('runs:1', 'runs'), { host: { AutoRemove: true } });
    await refused([400, 409, 500], stage.engine.setRestart(id, { Name: 'always' }));
  },
  'a command inside has its exit code and its output': async (stage) => {
    const id = await running(stage, 'web');
    const run = (command: string) => stage.engine.exec(id, ['sh', '-c', command], { timeoutMs: 60_000 });
    assert.deepEqual(await run('echo hello; exit 7'), { exitCode: 7, output: 'hello\n' });
    assert.equal((await run('exit 0')).exitCode, 0);
    await stage.engine.stop(id);
    await refused(409, run('exit 0'));
    await refused(404, stage.engine.exec(ABSENT, ['true'], { timeoutMs: 60_000 }));
  },
};

const HEALTH: Record<string, Rule> = {
  'one that is well becomes healthy': async (stage) => {
    const id = await running(stage, 'web', {}, await stage.image('app:1', 'runs', { health: 'well' }));
    assert.match((await shown(stage, id)).health?.status ?? '', /^(starting|healthy)$/);
    const well = async () => (await shown(stage, id)).health?.status === 'healthy';
    await stage.until('it is healthy', well);
    assert.equal((await shown(stage, id)).health?.log.at(-1)?.exitCode, 0);
  },
  'one that is not becomes unhealthy, and goes on': async (stage) => {
    const id = await running(stage, 'web', {}, await stage.image('app:1', 'runs', { health: 'sick' }));
    await stage.until('it is unhealthy', async () => (await shown(stage, id)).health?.status === 'unhealthy');
    const { status, health } = await shown(stage, id);
    assert.equal(status, 'running');
    assert.equal(health?.log.at(-1)?.exitCode, 1);
  },
  'one without a check has no health': async (stage) => {
    assert.equal((await shown(stage, await running(stage, 'web'))).health, undefined);
  },
  'one whose check is switched off has none': async (stage) => {
    const image = await stage.image('app:1', 'runs', { health: 'sick' });
    const off = { config: { Healthcheck: { Test: ['NONE'] } } };
    assert.equal((await shown(stage, await running(stage, 'web', off, image))).health, undefined);
  },
};

const FILES: Record<string, Rule> = {
  'a file is copied from one container into another, neither of which runs': async (stage) => {
    const image = await stage.image('runs:1', 'runs');
    const [from, to] = [await made(stage, 'a', image), await made(stage, 'b', image)];
    await stage.engine.unpack(from, archive({ 'run/secrets/key': 'secret' }));
    assert.equal(await stage.engine.hasPath(to, '/run/secrets/key'), false);
    assert.equal(await stage.engine.copy(from, to, '/run/secrets/key'), true);
    assert.equal(await stage.engine.hasPath(to, '/run/secrets/key'), true);
    assert.ok((await stage.engine.changes(to)).includes('/run/secrets/key'), 'its changes name the file');
    assert.equal(await stage.engine.copy(from, to, '/no/such/file'), false);
    const deep = `run/${'folder/'.repeat(40)}key`;
    await stage.engine.unpack(from, archive({ [deep]: 'secret' }));
    assert.equal(await stage.engine.copy(from, to, `/${deep}`), true);
    assert.equal(await stage.engine.hasPath(to, `/${deep}`), true);
  },
  'nothing is changed in one that was just created': async (stage) => {
    assert.deepEqual(await stage.engine.changes(await made(stage, 'a', await stage.image('runs:1', 'runs'))), []);
  },
  'every image here has sh and rm': async (stage) => {
    const id = await made(stage, 'a', await stage.image('runs:1', 'runs'));
    for (const path of ['/bin/sh', '/bin/rm']) assert.equal(await stage.engine.hasPath(id, path), true);
    assert.equal(await stage.engine.hasPath(id, '/bin/no-such-program'), false);
    assert.equal(await stage.engine.hasPath(ABSENT, '/bin/sh'), false);
  },
  'what is in a volume is copied into another, and counted': async (stage) => {
    const image = await stage.image('runs:1', 'runs');
    const [data, copy] = [stage.name('data'), stage.name('copy')];
    const from = await made(stage, 'a', image, { host: mounted(data, '/from/0') });
    const into = await made(stage, 'b', image, { host: mounted(copy, '/to/0') });
    assert.deepEqual(await stage.engine.folderSize(from, '/from/0'), { bytes: 0, files: 0 });
    await stage.engine.unpack(from, archive({ 'from/0/a': 'hello', 'from/0/sub/b': '!' }));
    const size = { bytes: 6, files: 3 };
    assert.deepEqual(await stage.engine.folderSize(from, '/from/0'), size);
    const copied = await stage.engine.copyFolder(
      { container: from, path: '/from/0' },
      { container: into, path: '/to' },
    );
    assert.deepEqual(copied, size);
    assert.deepEqual(await stage.engine.folderSize(into, '/to/0'), size);
    await refused(404, stage.engine.folderSize(from, '/no/such/folder'));
    await refused(
      404,
      stage.engine.copyFolder({ container: ABSENT, path: '/from/0' }, { container: into, path: '/to' }),
    );
  },
  'a program that removes what is in a volume leaves it empty': async (stage) => {
    const image = await stage.image('runs:1', 'runs');
    const filled = await made(stage, 'a', image, { host: mounted(stage.name('data'), '/to/0') });
    await stage.engine.unpack(filled, archive({ 'to/0/a': 'hello', 'to/0/sub/b': '!' }));
    const config = { Entrypoint: ['/bin/rm'], Cmd: ['-rf', '/to/0'], User: '0:0' };
    const eraser = await made(stage, 'b', image, { config, host: mounted(stage.name('data'), '/to/0') });
    await stage.engine.start(eraser);
    await stage.engine.wait(eraser);
    assert.deepEqual(await stage.engine.folderSize(eraser, '/to/0'), { bytes: 0, files: 0 });
  },
};

function mounted(volume: string, target: string): HostConfig {
  return { Mounts: [{ Type: 'volume', Source: volume, Target: target, VolumeOptions: { NoCopy: true } }] };
}

async function* archive(files: Record<string, string>): AsyncGenerator<Uint8Array> {
  const { pack } = await import('tar-stream');
  const packed = pack();
  for (const [name, text] of Object.entries(files)) packed.entry({ name }, text);
  packed.finalize();
  yield* packed as unknown as AsyncIterable<Uint8Array>;
}

const VOLUMES: Record<string, Rule> = {
  'one with the same labels may be there already, another may not': async (stage) => {
    const name = stage.name('data');
    await stage.engine.createVolume(name, { mine: stage.name('x') });
    await stage.engine.createVolume(name, { mine: stage.name('x') });
    await refused(409, stage.engine.createVolume(name, { mine: 'other' }));
    assert.deepEqual(await stage.engine.volume(name), { name, labels: { mine: stage.name('x') } });
    assert.deepEqual(await stage.engine.volumes(`mine=${stage.name('x')}`), [
      { name, labels: { mine: stage.name('x') } },
    ]);
    assert.deepEqual(await stage.engine.volumes(`mine=${stage.name('y')}`), []);
  },
  'labels come back as they were given, also empty and long ones, and find each volume that has them': async (
    stage,
  ) => {
    const note = JSON.stringify({ log: Array.from({ length: 20 }, (_, at) => `${at}: "ü" \\ \n\t${'x'.repeat(400)}`) });
    const labels = { role: stage.name('failed'), 'a.b-c': '', note };
    const names = ['one', 'two'].map((suffix) => stage.name(suffix));
    for (const name of names) await stage.engine.createVolume(name, labels);
    const found = await stage.engine.volumes(`role=${labels.role}`);
    assert.deepEqual(
      found.sort((a, b) => a.name.localeCompare(b.name)),
      names.map((name) => ({ name, labels })),
    );
    for (const name of names) await stage.engine.removeVolume(name);
    assert.deepEqual(await stage.engine.volumes(`role=${labels.role}`), []);
  },
  'one that is used stays, by whomever': async (stage) => {
    const name = stage.name('data');
    const id = await made(stage, 'web', await stage.image('runs:1', 'runs'), { host: { Binds: [`${name}:/data`] } });
    assert.match((await refused(409, stage.engine.removeVolume(name))).message, /in use/);
    await stage.engine.remove(id);
    await stage.engine.removeVolume(name);
    assert.equal(await stage.engine.volume(name), undefined);
    await stage.engine.removeVolume(name);
  },
  'their sizes are told': async (stage) => {
    const name = stage.name('data');
    await stage.engine.createVolume(name, {});
    assert.equal((await stage.engine.volumeSizes()).get(name), 0);
  },
};

const IMAGES: Record<string, Rule> = {
  'one is found by its name and its id': async (stage) => {
    const reference = await stage.image('app:1', 'runs', { labels: { of: 'image' }, env: { V: '1' } });
    const found = (await stage.engine.image(reference)) ?? assert.fail('it is not there');
    assert.match(found.id, /^sha256:[0-9a-f]{64}$/);
    assert.equal((await stage.engine.image(found.id))?.id, found.id);
    assert.ok(found.tags.includes(reference), `${found.tags}`);
    assert.equal(found.config.Labels?.of, 'image');
    assert.ok(found.config.Env?.includes('V=1'), `${found.config.Env}`);
    assert.equal(found.os, 'linux');
    for (const absent of [`${ABSENT}:1`, `sha256:${'0'.repeat(64)}`, ''])
      assert.equal(await stage.engine.image(absent), undefined);
    const listed = (await stage.engine.images()).find(({ id }) => id === found.id);
    assert.ok(listed?.tags.includes(reference), `${listed?.tags}`);
    assert.equal(listed?.labels.of, 'image');
  },
  'a name moves, and the image that had it stays': async (stage) => {
    const one = await stage.image('app:1', 'runs', { env: { V: '1' } });
    const two = await stage.image('app:2', 'runs', { env: { V: '2' } });
    const [first, second] = [(await stage.engine.image(one))?.id ?? '', (await stage.engine.image(two))?.id ?? ''];
    assert.notEqual(first, second);
    const id = await made(stage, 'web', one);
    await stage.engine.tag(second, one);
    assert.equal((await stage.engine.image(one))?.id, second);
    assert.equal((await shown(stage, id)).imageId, first);
    assert.deepEqual((await stage.engine.image(first))?.tags, []);
    await refused(404, stage.engine.tag(`sha256:${'0'.repeat(64)}`, one));
  },
  'all tags of a repository are told': async (stage) => {
    const one = await stage.image('app:1', 'runs');
    const id = (await stage.engine.image(one))?.id ?? '';
    const repository = one.slice(0, one.lastIndexOf(':'));
    await stage.engine.tag(id, `${repository}:other`);
    assert.deepEqual((await stage.engine.imageTags(repository)).sort(), [one, `${repository}:other`].sort());
    assert.deepEqual(await stage.engine.imageTags(stage.name('no-such-repository')), []);
  },
  'a tag is taken away, but not the last one of an image that a container needs': async (stage) => {
    const one = await stage.image('app:1', 'runs', { env: { V: stage.name('1') } });
    const id = (await stage.engine.image(one))?.id ?? '';
    const other = stage.name('kept:1');
    await stage.engine.tag(id, other);
    const container = await made(stage, 'web', one);
    await stage.engine.untag(other);
    assert.equal(await stage.engine.image(other), undefined);
    await refused(409, stage.engine.untag(one));
    await stage.engine.untag(other);
    await stage.engine.remove(container);
    await stage.engine.untag(one);
    assert.equal(await stage.engine.image(id), undefined, 'with its last name it goes');
  },
};

const REGISTRY: Record<string, Rule> = {
  'a reference means a digest there': async (stage) => {
    const { reference, digest } = await stage.pushed('app');
    assert.equal(await stage.engine.resolve(reference), digest);
    await refused([404, 500], stage.engine.resolve(reference.replace(/:[^:]+$/, ':no-such-tag')));
  },
  'what is pulled by its digest has no tag': async (stage) => {
    const { reference, digest } = await stage.pushed('app');
    const repository = reference.slice(0, reference.lastIndexOf(':'));
    const exact = `${repository}@${digest}`;
    assert.equal(await stage.engine.image(exact), undefined);
    const layers: string[] = [];
    await stage.engine.pull(exact, ({ layer }) => layers.push(layer));
    const found = (await stage.engine.image(exact)) ?? assert.fail('it is not there');
    assert.deepEqual(found.tags, []);
    assert.ok(found.digests.includes(exact), `${found.digests}`);
    assert.equal(await stage.engine.image(reference), undefined);
    await stage.engine.pull(reference, () => {});
    assert.equal((await stage.engine.image(reference))?.id, found.id);
    assert.notEqual(layers.length, 0);
    await stage.engine.untag(reference);
  },
  'what is not there can not be pulled': async (stage) => {
    const { reference } = await stage.pushed('app');
    await refused(
      [404, 500],
      stage.engine.pull(reference.replace(/:[^:]+$/, ':no-such-tag'), () => {}),
    );
  },
};

const EVENTS: Record<string, Rule> = {
  'what happens is told in its order, from an instant on': async (stage) => {
    const image = await stage.image('runs:1', 'runs');
    const before = await running(stage, 'before', {}, image);
    await stage.until('its start is past', async () => stage.now() > (await shown(stage, before)).startedAt + 5);
    const since = stage.now() * 1e6;
    const id = await running(stage, 'web', {}, image);
    await stage.engine.rename(id, stage.name('other'));
    await stage.engine.stop(id);
    await stage.engine.remove(id);
    const told = await eventsOf(stage, since, (one) => one.id === id && one.action === 'destroy');
    const own = told.filter((one) => one.id === id).map(({ action }) => action);
    assert.deepEqual(own, ['create', 'start', 'rename', 'die', 'destroy']);
    assert.ok(!told.some((one) => one.id === before && one.action === 'start'), 'not what was before');
    const times = told.map(({ timeNano }) => timeNano);
    assert.deepEqual(
      times,
      [...times].sort((a, b) => a - b),
    );
  },
  'an image that gets a name is told, with the name': async (stage) => {
    const id = (await stage.engine.image(await stage.image('app:1', 'runs')))?.id ?? '';
    const name = stage.name('named:1');
    const since = stage.now() * 1e6;
    await stage.engine.tag(id, name);
    const told = await eventsOf(stage, since, (one) => one.kind === 'image' && one.reference === name);
    assert.equal(told.at(-1)?.id, id);
  },
};

async function eventsOf(stage: Stage, since: number, isLast: (one: EngineEventOf) => boolean) {
  const end = new AbortController();
  const told: EngineEventOf[] = [];
  for await (const one of stage.engine.events(since, end.signal)) {
    told.push(one);
    if (isLast(one)) break;
  }
  end.abort();
  return told;
}

type EngineEventOf = ReturnType<Engine['events']> extends AsyncIterable<infer E> ? E : never;

const RULES: Record<string, Record<string, Rule>> = {
  'creating a container': CREATE,
  looking: LOOK,
  running: RUN,
  stopping: STOP,
  renaming: NAMES,
  removing: REMOVE,
  'settings and commands': SETTINGS,
  health: HEALTH,
  files: FILES,
  volumes: VOLUMES,
  images: IMAGES,
  'a registry behind the engine': REGISTRY,
  events: EVENTS,
};
