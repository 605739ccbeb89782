// Status, plan, check and report show one digest for one image: the registry's, also before swapctl has rolled the container.
import assert from 'node:assert/strict';
import test from 'node:test';
import { SETUPS } from '../../matrix/setups.ts';
import { boxAt, stageOf } from '../../matrix/stage.ts';
import { nameImage } from '../../memory/images.ts';

const DIGEST = `sha256:${'d'.repeat(64)}`;
const request = () => ({ signal: new AbortController().signal, overrides: {}, pull: 'never' }) as const;

test('of an image from a registry that was never rolled', async () => {
  const stage = await stageOf(SETUPS['start-first']);
  const { app } = stage.open();
  const { machine } = stage;
  const web = boxAt(stage, 'web') ?? assert.fail('it is there');
  const reference = web.config.Image ?? '';
  web.image.digests = [`${reference.split(':')[0]}@${DIGEST}`];
  nameImage(machine, web.image.id, reference);

  const [status] = await machine.clock.run(app.status([stage.service]));
  const [plan] = await machine.clock.run(app.plan([stage.service], request()));
  const [report] = await machine.clock.run(app.roll([stage.service], request()));
  assert.deepEqual([status?.digest, plan?.digest, report?.from?.digest], [DIGEST, DIGEST, DIGEST]);
});
