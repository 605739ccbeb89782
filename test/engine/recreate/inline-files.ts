// Configs and secrets that compose copies into a container's own layer, where no inspect shows them.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { askedTarget } from '../../../src/core/update/roll-target.ts';
import { composeLabels, composeProject } from '../../lab/compose.ts';
import { create } from './faithful.ts';
import { RUN } from './fields.ts';
import { inside } from './place.ts';
import type { Scene } from './targeted.ts';

const SECRET = '/run/secrets/token';
const SETTINGS = '/etc/app/conf.d/settings.conf';
const TOP = '/top-config';

const COMPOSE_FILE = `
services:
  web:
    image: irrelevant
    configs: [{ source: settings, target: ${SETTINGS} }, top-config]
    secrets: [token]
configs:
  settings: { content: "a: 1" }
  top-config: { environment: HOME }
secrets:
  token: { environment: HOME }
`;

/** Defines the tests; the scene is set when they run. */
export function inlineFileTests(scene: () => Scene): void {
  test('what compose copied into the container is there before the new one starts', async (t) => {
    const file = composeFile(scene(), 'whole.yaml', COMPOSE_FILE);
    await composed(scene(), t, 'told', { [SECRET]: 0o400, [SETTINGS]: 0o644, [TOP]: 0o440, '/top-other': 0o644 }, [
      file,
    ]);
    await assertCopied(scene(), 'told', [SECRET, SETTINGS, TOP]);
    // The file does not say it, so the application wrote it, in the old image's time.
    assert.equal(await inside(scene().world, 'told', 'ls /top-other 2>/dev/null || echo none'), 'none');
  });

  test('the same where one compose file uses what another defines', async (t) => {
    const at = COMPOSE_FILE.indexOf('\nconfigs:');
    const [uses, definitions] = [COMPOSE_FILE.slice(0, at), COMPOSE_FILE.slice(at)];
    const files = [composeFile(scene(), 'uses.yaml', uses), composeFile(scene(), 'defines.yaml', definitions)];
    await composed(scene(), t, 'split', { [SECRET]: 0o400, [SETTINGS]: 0o644 }, files);
    await assertCopied(scene(), 'split', [SECRET, SETTINGS]);
  });

  test('the same where a compose file includes another, or its targets are variables', async (t) => {
    const included = composeFile(scene(), 'includes.yaml', 'include: [whole.yaml]\n');
    await composed(scene(), t, 'included', { [SECRET]: 0o400, [TOP]: 0o644 }, [included]);
    await assertCopied(scene(), 'included', [SECRET, TOP]);
    const variable = composeFile(
      scene(),
      'variable.yaml',
      COMPOSE_FILE.replace(SETTINGS, '/$' + '{NAME:-top-variable}'),
    );
    await composed(scene(), t, 'variable', { [SECRET]: 0o400, '/top-variable': 0o644 }, [variable]);
    await assertCopied(scene(), 'variable', [SECRET, '/top-variable']);
  });

  test('the same where the compose file is out of reach: guessed from what was added', async (t) => {
    const { world, stage } = scene();
    await composed(scene(), t, 'guessed', { [SECRET]: 0o400, [TOP]: 0o644 }, [path.join(stage.folder, 'gone.yaml')]);
    // Neither a large folder nor a changed one of the image is taken for a config.
    await inside(
      world,
      'guessed',
      'mkdir /cache && dd if=/dev/zero of=/cache/big bs=1M count=9 && cp /cache/big /tmp/',
    );
    await assertCopied(scene(), 'guessed', [SECRET, TOP]);
    assert.equal(await inside(world, 'guessed', 'ls -d /cache /tmp/big 2>/dev/null || echo none'), 'none');
  });

  test('a path that takes two fields of a tar header', async (t) => {
    const deep = `/etc/${'a'.repeat(60)}/${'b'.repeat(60)}/${'c'.repeat(60)}.conf`;
    const file = composeFile(scene(), 'deep.yaml', COMPOSE_FILE.replace(SETTINGS, deep));
    await composed(scene(), t, 'deep', { [deep]: 0o644 }, [file]);
    await assertCopied(scene(), 'deep', [deep]);
  });

  test('what a real compose copies', async () => {
    const { world, stage, app } = scene();
    const service = { image: stage.plain[0], labels: JSON.parse(composeLabels(world)), stop_grace_period: '1s' };
    const uses = {
      configs: [{ source: 'settings', target: SETTINGS, mode: 0o440, uid: '1000' }, 'top-config'],
      secrets: ['token'],
    };
    const yaml = {
      services: { web: { ...service, ...uses } },
      configs: { settings: { content: 'a: 1' }, 'top-config': { content: 'b: 2' } },
      secrets: { token: { environment: 'HOME' } },
    };
    const project = composeProject(world, JSON.stringify(yaml));
    await project.run('up', '--detach');
    const [name] = (await world.docker.listContainers({ filters: { name: [`${project.name}-web-1`] } })).map((one) =>
      one.Names[0]?.slice(1),
    );
    assert.ok(name);
    const files = [SECRET, SETTINGS, TOP];
    const look = () => inside(world, name.slice(world.prefix.length + 1), lookAt(files));
    const before = await look();
    await app.roll(`${project.name}/web`, { target: askedTarget({ image: stage.plain[1] }) });
    assert.equal(await look(), before);
  });
}

function composeFile({ stage }: Scene, name: string, text: string): string {
  const file = path.join(stage.folder, name);
  writeFileSync(file, text);
  return file;
}

type Scope = { after(work: () => Promise<unknown>): void };

/** A container as compose makes it, with files of these modes in its layer; it records the files that it finds at its start. */
async function composed(
  { world, stage }: Scene,
  t: Scope,
  name: string,
  files: Record<string, number>,
  composeFiles: string[],
) {
  const note = `mkdir -p /tmp/seen; for one in ${Object.keys(files).join(' ')}; do cp $one /tmp/seen/; done; ${RUN}`;
  const Labels = {
    'com.docker.compose.project': world.prefix,
    'com.docker.compose.service': 'web',
    'com.docker.compose.container-number': '1',
    'com.docker.compose.oneoff': 'False',
    'com.docker.compose.project.config_files': composeFiles.join(','),
  };
  const container = await create(world, name, stage.plain[0], { config: { Labels, Cmd: ['sh', '-c', note] } });
  t.after(() => world.docker.getContainer(world.name(name)).remove({ force: true }));
  await container.putArchive(archiveOf(stage.folder, files), { path: '/' });
  await container.start();
}

function archiveOf(folder: string, files: Record<string, number>): Buffer {
  const root = mkdtempSync(path.join(folder, 'layer-'));
  for (const [file, mode] of Object.entries(files)) {
    mkdirSync(path.join(root, path.dirname(file)), { recursive: true });
    writeFileSync(path.join(root, file), `${file}\n`);
    chmodSync(path.join(root, file), mode);
  }
  const paths = Object.keys(files).map((file) => file.slice(1));
  return execFileSync('tar', ['-C', root, '--format=pax', '--owner=1000', '--group=0', '-c', ...paths]);
}

async function assertCopied({ world, stage, app }: Scene, name: string, files: string[]): Promise<void> {
  const look = () => inside(world, name, lookAt(files, !stage.podman));
  const before = await look();
  await app.roll(world.name(name), { target: askedTarget({ image: stage.plain[1] }) });
  assert.equal(await look(), before);
  const seen = await inside(world, name, 'ls /tmp/seen');
  for (const file of files) assert.ok(seen.includes(path.basename(file)), `${file} came after the start: ${seen}`);
}

// Contents, modes and owners, also of the folders made for them. Podman shows no owner of a file: there it is the user of the container.
function lookAt(files: readonly string[], owners = true): string {
  const folders = [...new Set(files.map((file) => path.dirname(file)))].filter((folder) => folder !== '/');
  return `cat ${files.join(' ')}; stat -c '%n %a${owners ? ' %u %g' : ''}' ${files.join(' ')} ${folders.join(' ')}`;
}
