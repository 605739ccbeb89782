// Services of one compose project and one tag that one command rolls: all of them keep the new image, or none does.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { type Stage, stageOf } from '../../matrix/stage.ts';
import { SOUND } from '../../memory/apps.ts';
import { nameImage } from '../../memory/images.ts';
import { add, COMPOSED } from '../composed.ts';

const SIGNAL = new AbortController().signal;
const REQUEST = { signal: SIGNAL, overrides: {}, pull: 'never' } as const;
const REFUSES = { refuses: true } as const;

/** A service web and a worker of one tag. */
async function shop(
  command: 'roll' | 'update',
  worker: { refuses?: true; labels?: Record<string, string> },
): Promise<Stage> {
  const stage = await stageOf({ ...COMPOSED, command });
  const { machine, from, to, follows } = stage;
  nameImage(machine, from, follows);
  add(stage, 'worker', { image: follows, program: SOUND, ...worker });
  if (command === 'roll') nameImage(machine, to, follows);
  return stage;
}

const imageOf = ({ machine }: Stage, service: string): string | undefined =>
  machine.names.get(`shop-${service}-1`)?.image.id;

/** Images of web and worker, and of the tag; `new` is that of the roll. */
function state(stage: Stage): Record<string, string> {
  const shown = (id: string | undefined): string => (id === stage.to ? 'new' : id === stage.from ? 'old' : `${id}`);
  const [web, worker] = ['web', 'worker'].map((service) => shown(imageOf(stage, service)));
  return { web: `${web}`, worker: `${worker}`, tag: shown(stage.machine.tags.get(stage.follows)) };
}

suite('swapctl roll web worker', () => {
  test('takes web back if the worker refuses the image', async () => {
    const stage = await shop('roll', REFUSES);
    const { app } = stage.open();
    const reports = await stage.machine.clock.run(app.roll([stage.service, 'shop/worker'], REQUEST));
    assert.deepEqual(
      reports.map(({ service, outcome }) => [service, outcome]),
      [
        ['shop/web', 'rolled-back'],
        ['shop/worker', 'failed'],
      ],
      JSON.stringify(reports),
    );
    assert.match(
      reports[0]?.notes?.[0] ?? '',
      /^it went back to the old image, since shop\/worker, which has the same tag, failed$/,
    );
    assert.equal(reports[0]?.sameTag, undefined, 'docker compose up -d has nothing to do');
    assert.deepEqual([state(stage).web, state(stage).worker], ['old', 'old']);
  });

  test('does not roll the worker once web has refused it', async () => {
    const stage = await stageOf({ ...COMPOSED, bad: 'ends' });
    nameImage(stage.machine, stage.from, stage.follows);
    add(stage, 'worker', { image: stage.follows, program: SOUND });
    nameImage(stage.machine, stage.to, stage.follows);
    const before = stage.machine.names.get('shop-worker-1')?.id;
    const { app } = stage.open();
    const reports = await stage.machine.clock.run(app.roll([stage.service, 'shop/worker'], REQUEST));
    assert.deepEqual(
      reports.map(({ error }) => error?.code),
      ['not-healthy', 'refused'],
    );
    assert.equal(
      reports[1]?.error?.message,
      'shop/worker was not rolled, since shop/web, which has the same tag, failed',
    );
    assert.equal(stage.machine.names.get('shop-worker-1')?.id, before);
  });

  test('keeps what an error that refuses no image leaves', async () => {
    const stage = await shop('roll', { labels: { 'swapctl.strategy': 'nonsense' } });
    const { app } = stage.open();
    const reports = await stage.machine.clock.run(app.roll([stage.service, 'shop/worker'], REQUEST));
    assert.deepEqual(
      reports.map(({ outcome, error }) => [outcome, error?.code]),
      [
        ['rolled', undefined],
        ['failed', 'config'],
      ],
    );
  });
});

suite('swapctl update', () => {
  test('takes web and the tag back if the worker refuses the image, and holds both then', async () => {
    const stage = await shop('update', REFUSES);
    const run = async (): Promise<Record<string, string>> => {
      const { app } = stage.open();
      const { services } = await stage.machine.clock.run(app.update(['shop/web', 'shop/worker'], { signal: SIGNAL }));
      return Object.fromEntries(services.map(({ service, outcome, because }) => [service, `${outcome}: ${because}`]));
    };
    const lines = await run();
    assert.match(lines['shop/worker'] ?? '', /^failed: the new container of shop-worker-1 failed/);
    assert.equal(
      lines['shop/web'],
      'failed: it went back to the old image, since shop/worker, which has the same tag, failed',
    );
    assert.deepEqual(state(stage), { web: 'old', worker: 'old', tag: 'old' });

    const again = await run();
    assert.match(again['shop/web'] ?? '', /^held: /);
    assert.match(again['shop/worker'] ?? '', /^held: held back with shop\/web, which has the same tag: /);
    assert.deepEqual(state(stage), { web: 'old', worker: 'old', tag: 'old' });
  });
});
