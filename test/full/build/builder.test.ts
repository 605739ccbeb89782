// The same build by every possible builder: the engine's BuildKit, its classic builder, and docker's buildx.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import test, { suite, type TestContext } from 'node:test';
import { type BuildSpec, PLAIN_BUILD } from '../../../src/core/build/build.ts';
import { SwapError } from '../../../src/core/model/error.ts';
import { openPorts } from '../../../src/wiring/ports.ts';
import { folderOf } from '../../adapters/build/files.ts';
import { dockerCli } from '../../lab/docker-cli.ts';
import { baseImage } from '../../lab/images.ts';
import { testWorld, type World } from '../../lab/world.ts';

interface Build {
  world: World;
  context: string;
  lines: string[];
  build(spec: Partial<BuildSpec>): ReturnType<Awaited<ReturnType<typeof openPorts>>['builder']['build']>;
}

async function builder(t: TestContext, env: NodeJS.ProcessEnv): Promise<Build> {
  const world = testWorld(t);
  const context = folderOf(t, { 'a.txt': 'hello', 'secret.txt': 'hush', '.dockerignore': 'secret.txt\n' });
  const ports = await openPorts({
    host: world.dockerHost,
    env: { ...world.env, ...env },
    home: os.devNull,
    folder: context,
    report: () => {},
  });
  world.after(async () => {
    ports.engine.close();
    ports.registry.close();
  });
  const lines: string[] = [];
  const build: Build['build'] = (spec) => {
    const whole = { ...PLAIN_BUILD, context, ...spec, labels: { ...world.labels, ...spec.labels } };
    return ports.builder.build(whole, (line) => lines.push(line), new AbortController().signal);
  };
  return { world, context, lines, build };
}

const NOWHERE = { PATH: '/nowhere' };
const hasDocker = spawnSync('docker', ['--version']).status === 0;

const BUILDERS: Record<string, { builder: string; env: (t: TestContext) => NodeJS.ProcessEnv; skip?: string | false }> =
  {
    'the engine by BuildKit': { builder: 'buildkit', env: () => NOWHERE },
    'the classic builder': { builder: 'classic', env: () => ({ ...NOWHERE, DOCKER_BUILDKIT: '0' }) },
    buildx: {
      builder: 'buildx',
      env: (t) => dockerCli({ after: (cleanUp) => t.after(cleanUp) }, { buildx: true }),
      skip: !hasDocker && 'needs the docker program',
    },
  };

suite('an image is built', () => {
  for (const [name, { builder: expected, env, skip }] of Object.entries(BUILDERS))
    test(`by ${name}`, { skip: skip ?? false }, async (t) => {
      const { world, lines, build } = await builder(t, env(t));
      const from = `FROM ${await baseImage(world.docker)}`;
      const inline = `${from} AS dev\nARG WHO\nCOPY . /ctx\nRUN ls -a /ctx && echo "built for $WHO"\n${from} AS other\nRUN false\n`;
      const spec = { inline, target: 'dev', args: { WHO: 'us' }, labels: { 'a.b': 'c d' } };
      const first = await build(spec);
      assert.equal(first.builder, expected);
      const { Config, RepoTags } = await world.docker.getImage(first.id).inspect();
      assert.equal(Config.Labels['a.b'], 'c d');
      assert.deepEqual(RepoTags ?? [], [], 'nothing points at it yet');
      const told = lines.join('\n');
      assert.match(told, /built for us/);
      assert.match(told, /a\.txt/);
      assert.doesNotMatch(told, /secret\.txt/);
      assert.equal((await build(spec)).id, first.id, 'the same files are the same image');

      const failure = await build({ inline: `${from}\nRUN echo one; echo two >&2; exit 7\n` }).catch((error) => error);
      assert.ok(failure instanceof SwapError && failure.code === 'build-failed', String(failure));
      assert.match(failure.message, /exit code: 7|returned a non-zero code: 7/);
      const log = failure.log.join('\n');
      assert.match(log, /RUN echo one/);
      assert.match(log, /two/);
      assert.doesNotMatch(log, /built for us/);

      const wrong = await build({ inline: `${from}\nRUNN x\n` }).catch((error) => error);
      assert.match(wrong.message, /line 2: unknown instruction: RUNN/);
    });
});

test('secrets need buildx, and the engine alone refuses them by name', async (t) => {
  const { world, context, build } = await builder(t, NOWHERE);
  const inline = `FROM ${await baseImage(world.docker)}\nRUN --mount=type=secret,id=s echo "it is $(cat /run/secrets/s)"\n`;
  const secrets = [{ id: 's', from: { file: path.join(context, 'secret.txt') } }];
  await assert.rejects(build({ inline, secrets }), { code: 'refused', message: /secrets/ });
  if (!hasDocker) return;
  const other = await builder(t, dockerCli({ after: (cleanUp) => t.after(cleanUp) }, { buildx: true }));
  await other.build({ inline, secrets });
  assert.match(other.lines.join('\n'), /it is hush/);
});

test('an interrupted build ends, and says so', async (t) => {
  const { world, context } = await builder(t, NOWHERE);
  const ports = await openPorts({
    host: world.dockerHost,
    env: { ...world.env, ...NOWHERE },
    home: os.devNull,
    folder: context,
    report: () => {},
  });
  const end = new AbortController();
  const inline = `FROM ${await baseImage(world.docker)}\nRUN echo begun && sleep 60\n`;
  const onLine = (line: string): void => {
    if (/begun$/.test(line)) end.abort();
  };
  await assert.rejects(ports.builder.build({ ...PLAIN_BUILD, context, inline }, onLine, end.signal), {
    code: 'interrupted',
  });
  ports.engine.close();
  ports.registry.close();
});
