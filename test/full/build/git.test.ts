// A service built from a branch: a push is built and serves, and a failed build changes nothing.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { program, startDev } from '../../engine/dev/dev-world.ts';
import { fixedPort } from '../../engine/traffic/handover-world.ts';
import { swapctl } from '../../lab/cli.ts';
import { gitRepository } from '../../lab/git.ts';
import { nodeImage, WGET_HEALTH } from '../../lab/images.ts';
import { startLoad } from '../../lab/load.ts';
import { eventually } from '../../lab/waiting.ts';
import { testWorld, untilHealthy, type World } from '../../lab/world.ts';

const REVISION = 'org.opencontainers.image.revision';
const SOURCE = 'org.opencontainers.image.source';

async function dockerfile(world: World): Promise<string> {
  const marks = Object.entries(world.labels).map(([key, value]) => `${key}=${value}`);
  return `FROM ${await nodeImage(world.docker)}
LABEL ${marks.join(' ')}
ENV DRAIN=1
COPY . /srv/
RUN node --check /srv/main.mjs
CMD ["node", "/srv/main.mjs"]
HEALTHCHECK --interval=1s --retries=60 CMD ${WGET_HEALTH}
`;
}

test('what is pushed is built and rolled under load, and a commit that does not build is tried once', async (t) => {
  const world = testWorld(t);
  const env = withCache(world);
  const repository = gitRepository(t);
  const first = repository.push({ 'app/Dockerfile': await dockerfile(world), 'app/main.mjs': program('1') });
  const url = `file://${repository.folder}`;
  // Built from the first commit already, by any builder.
  const before = await world.image('web:live', {
    version: '1',
    labels: { [REVISION]: first },
    env: { DRAIN: 1 },
  });
  const port = await fixedPort();
  const web = world.name('web');
  await untilHealthy(await world.container('web', { image: before, ports: [{ host: port }] }));
  const load = startLoad({ url: `http://${world.address}:${port}/`, keepAlive: false });
  world.after(() => load.stop());
  const dev = startDev(world, [web, '--git', `${url}#main:app`, '--interval', '1h'], env);
  await dev.said(/^watching 1 service/);
  /** Reports a push to the branch, and waits for the log line. */
  const told = async (pattern: RegExp, from = dev.lines().length) => {
    dev.kill('SIGUSR1');
    const said = async () =>
      dev
        .lines()
        .slice(from)
        .find(({ msg }) => pattern.test(msg));
    return eventually(`it says ${pattern}`, said);
  };
  const built = () => dev.lines().filter((line) => 'built' in line).length;

  const second = repository.push({ 'app/main.mjs': program('2') });
  await told(new RegExp(`^${web}: updated`));
  await load.until(50, '2');
  assert.equal(built(), 1, 'the first commit was known to run');
  const { Image } = await world.docker.getContainer(web).inspect();
  const { Config } = await world.docker.getImage(Image).inspect();
  assert.deepEqual([Config.Labels?.[REVISION], Config.Labels?.[SOURCE]], [second, url]);

  const sofar = dev.lines().length;
  const bad = repository.push({ 'app/main.mjs': 'const x = ;\n' });
  const failed = await told(new RegExp(`^${web}: failed`));
  assert.match(JSON.stringify(failed), /build-failed/);
  assert.ok(
    dev.lines().some(({ msg }) => msg.includes('SyntaxError')),
    'the builder is heard',
  );
  const builds = () => dev.lines().filter(({ msg }) => /SyntaxError: /.test(msg)).length;
  const tries = builds();
  // It is reported once, and may have been noticed in the meantime.
  await told(new RegExp(`^${web}: held .*not kept`), sofar);
  assert.equal(builds(), tries, 'it is not tried again');
  const { entries, failures } = (await swapctl(['history', web, '--json'], { env })).json();
  assert.deepEqual([entries[0].digest, failures[0].digest], [`commit:${second}`, `commit:${bad}`]);
  const table = await swapctl(['history', web], { env });
  for (const commit of [second, bad]) assert.match(table.stdout, new RegExp(`commit:${commit.slice(0, 12)}`));

  repository.push({ 'app/main.mjs': program('3') });
  await told(new RegExp(`^${web}: updated`));
  await load.until(50, '3');
  dev.kill('SIGTERM');
  assert.equal((await dev.end).code, 0);
  const { failed: lost, failures: lostOnes, requests, byVersion } = await load.stop();
  t.diagnostic(`${requests} requests, ${lost} failed: ${JSON.stringify(byVersion)}`);
  assert.equal(lost, 0, JSON.stringify(lostOnes));
});

test('a commit that does not come up is tried once, of the repository that the label names', async (t) => {
  const world = testWorld(t);
  const repository = gitRepository(t);
  repository.push({ Dockerfile: await dockerfile(world), 'main.mjs': program('1') });
  const web = world.name('web');
  const container = await world.container('web', {
    image: await world.image('web:live', { version: '0', env: { DRAIN: 1 } }),
    labels: { 'swapctl.build.git': `file://${repository.folder}` },
  });
  await untilHealthy(container);
  const env = withCache(world);
  const dev = startDev(world, [web, '--git', '--interval', '1h'], env);
  await dev.said(new RegExp(`^${web}: updated`));
  const running = (await world.docker.getContainer(web).inspect()).Id;

  const bad = repository.push({ 'main.mjs': `${program('2')}\nthrow new Error('no database');\n` });
  const from = dev.lines().length;
  dev.kill('SIGUSR1');
  const failed = await dev.said(new RegExp(`^${web}: failed`), from);
  assert.match(JSON.stringify(failed), /not-healthy/);
  assert.equal((await world.docker.getContainer(web).inspect()).Id, running, 'the one that ran was not touched');
  const { failures } = (await swapctl(['history', web, '--json'], { env })).json();
  assert.equal(failures[0].digest, `commit:${bad}`);
  const builds = dev.built();
  dev.kill('SIGUSR1');
  await dev.said(new RegExp(`^${web}: held .*not kept`), from);
  assert.equal(dev.built(), builds, 'it is not built again');

  repository.push({ 'main.mjs': program('3') });
  const next = dev.lines().length;
  dev.kill('SIGUSR1');
  await dev.said(new RegExp(`^${web}: updated`), next);
  dev.kill('SIGTERM');
  assert.equal((await dev.end).code, 0);
});

function withCache(world: World): NodeJS.ProcessEnv {
  const cache = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-cache-'));
  world.after(async () => rmSync(cache, { recursive: true, force: true }));
  return { ...world.env, XDG_CACHE_HOME: cache };
}
