// A roll of all services skips containers of other programs, and those that a docker run in the foreground waits for.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { createApp } from '../../../src/app/app.ts';
import { NO_CONFIG } from '../../../src/core/settings/config.ts';
import { type MadeUp, madeUp, NEW, update } from '../made-up.ts';

const ON = { 'swapctl.enable': 'true' };
const INPUT = { AttachStdin: true, OpenStdin: true, StdinOnce: true, Tty: true };
const signal = new AbortController().signal;

/** A service, and one container of each skipped kind. */
function host(): MadeUp {
  const made = madeUp();
  made.add('web');
  made.add('shop-web-run-0123456789ab', {
    'com.docker.compose.project': 'shop',
    'com.docker.compose.service': 'web',
    'com.docker.compose.container-number': '1',
    'com.docker.compose.oneoff': 'True',
  });
  made.add('buildx_buildkit_fast0');
  made.add('unit', { PODMAN_SYSTEMD_UNIT: 'unit.service' });
  made.add('member', {}, { pod: { name: 'shop', infra: false } });
  made.add('shell');
  made.configs.set('shell', INPUT);
  made.add('foreground');
  made.configs.set('foreground', { AttachStdout: true });
  made.hosts.set('foreground', { AutoRemove: true });
  return made;
}

const SKIPPED = {
  buildx_buildkit_fast0: /is a builder of docker buildx.*; use docker buildx rm/,
  foreground: /is a docker run --rm in the foreground.*; end it/,
  member: /is in the Podman pod shop.*; pull the image/,
  shell: /is an interactive docker run.*; end it/,
  'shop-web-run-0123456789ab': /is a job of docker compose run.*; wait until it has ended/,
  unit: /is run by the systemd unit unit\.service.*systemctl restart unit\.service/,
};

suite('update --all', () => {
  test('rolls the service, and skips the others with the reason and where their updates belong', async () => {
    const { rolls, report } = await update(host(), { all: true });
    assert.deepEqual(rolls, ['web']);
    const skipped = report.services.filter(({ outcome }) => outcome === 'skipped');
    assert.deepEqual(
      skipped.map(({ service }) => service),
      Object.keys(SKIPPED),
    );
    for (const [service, because] of Object.entries(SKIPPED))
      assert.match(skipped.find((one) => one.service === service)?.because ?? '', because);
    assert.deepEqual(
      skipped.map(({ error }) => error),
      skipped.map(() => undefined),
    );
  });

  test('inspects a container only if its image is not the newest', async () => {
    const made = host();
    for (const name of ['web', 'shell', 'foreground']) made.becomes(name, NEW);
    const inspected: string[] = [];
    const { container } = made.ports.engine;
    const engine = {
      ...made.ports.engine,
      container: (id: string) => {
        inspected.push(id);
        return container(id);
      },
    };
    made.ports = { ...made.ports, engine };
    const { lines } = await update(made, { all: true });
    assert.match(lines.shell ?? '', /^current/);
    assert.deepEqual(inspected, []);
  });

  test('asks no registry about what another program owns', async () => {
    const made = host();
    made.containers = made.containers.map((one) => ({ ...one, image: one.name === 'unit' ? 'secret:1' : one.image }));
    await update(made, { all: true });
    assert.deepEqual(
      made.asked.filter((question) => question.includes('secret')),
      [],
    );
  });
});

suite('a docker run that users call a service', () => {
  test('by its label is rolled', async () => {
    const made = madeUp();
    made.add('shell', ON);
    made.configs.set('shell', INPUT);
    assert.deepEqual((await update(made)).rolls, ['shell']);
  });

  test('by its own entry in swapctl.yml is rolled', async () => {
    const made = host();
    made.config = { ...NO_CONFIG, services: { shell: { enable: { value: 'true', where: 'swapctl.yml:3' } } } };
    assert.deepEqual((await update(made, { all: true })).rolls, ['shell', 'web']);
  });

  test('not by what swapctl.yml says of all services', async () => {
    const made = host();
    made.config = { ...NO_CONFIG, defaults: { enable: { value: 'true', where: 'swapctl.yml:2' } } };
    assert.deepEqual((await update(made)).rolls, ['web']);
  });
});

test('no label makes what another program owns a service', async () => {
  const made = madeUp();
  made.add('unit', { ...ON, PODMAN_SYSTEMD_UNIT: 'unit.service' });
  const { rolls, lines } = await update(made, { selectors: ['unit'] });
  assert.deepEqual(rolls, []);
  assert.match(lines.unit ?? '', /^skipped: unit is run by the systemd unit/);
});

suite('check', () => {
  test('tells the same of what runs', async () => {
    const made = host();
    made.add('shop-web-run-ba9876543210', { 'com.docker.compose.oneoff': 'True' }, { status: 'exited' });
    const checked = await createApp(made.ports).check([], signal);
    const skipped = checked.filter(({ outcome }) => outcome === 'skipped').map(({ service }) => service);
    assert.deepEqual(skipped, Object.keys(SKIPPED));
    assert.equal(checked.find(({ service }) => service === 'web')?.outcome, 'available');
  });
});
