// A plan and the report of a roll name the actions of compose besides creating containers, on an engine in memory.
import assert from 'node:assert/strict';
import test from 'node:test';
import { type Stage, stageOf } from '../../matrix/stage.ts';
import { add, COMPOSED, planOf, rolled } from '../composed.ts';

const HOOKS =
  'not done by swapctl: post_start of web (1 command), which compose runs after each start; ' +
  'swapctl runs hooks without variables, quotes, include, extends and extra privileges, from files that only root may write to';
const MIGRATE =
  'not done by swapctl: migrate, of the same image, which compose runs to its end before web; ' +
  'docker compose run --rm migrate runs it';

function fileSays(stage: Stage, web: object | undefined): void {
  Object.assign(stage.place, { yaml: web && { services: { web } } });
}

test('hooks that only compose can read are named, and a file that cannot be read as well', async () => {
  const stage = await stageOf(COMPOSED);
  assert.equal((await planOf(stage)).notDone, undefined, 'there is nothing to name');
  fileSays(stage, undefined);
  assert.match((await planOf(stage)).notDone?.join() ?? '', /^not known to swapctl: .* cannot be read here/);
  fileSays(stage, { post_start: [{ command: 'echo $HOME' }] });
  assert.deepEqual((await planOf(stage)).notDone, [HOOKS]);
  assert.deepEqual((await rolled(stage)).notDone, [HOOKS]);
  assert.equal((await rolled(stage)).notDone, undefined, 'nothing was replaced');
});

test('hooks of a file that others may write to are named, and not run', async () => {
  const stage = await stageOf(COMPOSED);
  fileSays(stage, { post_start: [{ command: 'true' }] });
  assert.equal((await planOf(stage)).notDone, undefined);
  Object.assign(stage.place, { trusted: false });
  assert.deepEqual((await planOf(stage)).notDone, [HOOKS]);
});

test('what other files bring in is not known without compose', async () => {
  const stage = await stageOf(COMPOSED);
  fileSays(stage, { extends: { file: 'other.yml', service: 'base' } });
  assert.match((await planOf(stage)).notDone?.join() ?? '', /^not known to swapctl/);
});

test('a one-shot of another tag of the image that comes before the service is named', async () => {
  const stage = await stageOf({ ...COMPOSED, waitsFor: 'migrate' });
  add(stage, 'migrate', { image: 'app:1' });
  assert.deepEqual((await planOf(stage)).notDone, [MIGRATE]);
  assert.deepEqual((await rolled(stage)).notDone, [MIGRATE]);
});
