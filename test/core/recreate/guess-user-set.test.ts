import assert from 'node:assert/strict';
import test from 'node:test';
import type { ContainerConfig } from '../../../src/core/model/container.ts';
import { guessUserSet } from '../../../src/core/recreate/user-set.ts';

// As the engine merges them: the user's variables, then the image's others.
const container: ContainerConfig = {
  Env: ['MODE=fast', 'PATH=/bin', 'VERSION=1'],
  Cmd: ['serve'],
  Labels: { mine: 'yes', built: 'monday' },
  ExposedPorts: { '80/tcp': {} },
};
const next: ContainerConfig = {
  Env: ['PATH=/bin', 'VERSION=2'],
  Cmd: ['serve'],
  Labels: { built: 'tuesday' },
  ExposedPorts: { '80/tcp': {} },
};

function unclear(config: ContainerConfig): readonly string[] {
  const guess = guessUserSet(config, next);
  return 'unclear' in guess ? guess.unclear : assert.fail(JSON.stringify(guess));
}

test('what the next image has too was brought by the image that is gone', () => {
  const guess = guessUserSet(container, next);
  assert.ok('set' in guess);
  const { env, labels, ports, scalars, health } = guess.set;
  assert.deepEqual(
    { env, labels, ports, scalars, health },
    { env: ['MODE'], labels: ['mine'], ports: [], scalars: [], health: [] },
  );
});

test('a variable of the next image that stands before one of the user may be either one', () => {
  assert.deepEqual(unclear({ ...container, Env: ['VERSION=9', 'MODE=fast', 'PATH=/bin'] }), ['the variable VERSION']);
});

test('such a variable with the value of the next image is the same either way', () => {
  assert.ok('set' in guessUserSet({ ...container, Env: ['PATH=/bin', 'OLD=1'] }, next));
});

test('a command or a health check that differs may be either one', () => {
  assert.deepEqual(unclear({ ...container, Cmd: ['other'] }), ['Cmd']);
  assert.deepEqual(unclear({ ...container, Healthcheck: { Test: ['CMD', 'true'] } }), ['HEALTHCHECK']);
});

test("compose's own labels are the container's, whatever the next image bears", () => {
  const labels = { 'com.docker.compose.service': 'web', 'com.docker.compose.container-number': '1' };
  const guess = guessUserSet({ ...container, Labels: labels }, { ...next, Labels: labels });
  assert.deepEqual('set' in guess && guess.set.labels, Object.keys(labels));
});
