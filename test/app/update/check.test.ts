import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { listed } from '../../../src/app/select/own.ts';
import { checkServices } from '../../../src/app/update/check.ts';
import type { Container, Image, ImageSummary, ListedContainer } from '../../../src/core/model/container.ts';
import { SwapError } from '../../../src/core/model/error.ts';
import { canonical } from '../../../src/core/model/reference.ts';
import type { Volume } from '../../../src/core/model/volume.ts';
import { encodeState } from '../../../src/core/service/labels.ts';
import { failureName } from '../../../src/core/service/names.ts';
import { groupServices } from '../../../src/core/service/service.ts';
import { NO_CONFIG } from '../../../src/core/settings/config.ts';
import type { Checked } from '../../../src/core/update/newer.ts';
import type { Ports, RemoteImage } from '../../../src/ports/ports.ts';
import type { Registry } from '../../../src/ports/registry.ts';

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const [ID, OLD, NEW] = [digest('1'), digest('a'), digest('b')];
const REMOTE: RemoteImage = { manifestDigest: digest('c'), configDigest: digest('d'), created: Date.UTC(2026, 0, 2) };

interface Scene {
  containers: Partial<ListedContainer>[];
  images?: Partial<ImageSummary>[];
  /** By reference: what the registry answers, or raises. */
  heads?: Record<string, string | SwapError>;
  remote?: RemoteImage | SwapError;
  tags?: string[];
  imageStore?: 'containerd';
  here?: boolean;
  volumes?: Volume[];
  /** The data of an inspect beyond the list. */
  inspected?: Partial<Container>;
}

/** Checks all services of a made-up engine. The registry records its requests. */
async function check(scene: Scene): Promise<{ checked: Checked[]; asked: string[] }> {
  const asked: string[] = [];
  const answer = async <T>(question: string, value: T | SwapError | undefined): Promise<T> => {
    asked.push(question);
    if (value === undefined) throw new Error(`the test has no answer for ${question}`);
    if (value instanceof SwapError) throw value;
    return value;
  };
  const registry: Registry = {
    digest: ({ text }) => answer(`HEAD ${text}`, (scene.heads ?? { 'app:1': NEW })[text]),
    image: (reference, { architecture }) =>
      answer(`GET ${canonical(reference)} ${architecture}`, scene.remote ?? REMOTE),
    tags: ({ text }) => answer(`tags ${text}`, scene.tags),
    close: () => {},
  };
  const list = scene.containers.map((one, at) => container({ id: `id-${at}`, name: `web-${at}`, ...one }));
  const images = (scene.images ?? [{}]).map(image);
  const engine = {
    list: async () => list,
    images: async () => images,
    volumes: async () => scene.volumes ?? [],
    container: async (id: string) =>
      ({
        id,
        config: { Image: 'app:1' },
        host: {},
        networks: {},
        mounts: [],
        published: [],
        ...scene.inspected,
      }) as unknown as Container,
    image: async () => ({ os: 'linux', architecture: 'arm64' }) as Image,
    facts: async () => ({
      os: 'linux',
      architecture: 'x86_64',
      route: { kind: 'unix', path: '/x' },
      imageStore: scene.imageStore ?? 'classic',
    }),
  };
  const ports = { registry, engine, config: () => NO_CONFIG } as unknown as Ports;
  const all = await listed(ports.engine);
  const checked = await checkServices(ports, groupServices(all), {
    signal: new AbortController().signal,
    here: scene.here,
  });
  return { checked, asked };
}

function container(one: Partial<ListedContainer>): ListedContainer {
  return {
    id: 'id',
    name: 'web',
    status: 'running',
    image: 'app:1',
    imageId: ID,
    labels: {},
    addresses: [],
    networks: [],
    readsEngine: false,
    networkOf: undefined,
    ...one,
  };
}

function image(one: Partial<ImageSummary>): ImageSummary {
  return { id: ID, tags: ['app:1'], digests: [`app@${OLD}`], labels: {}, createdAt: undefined, ...one };
}

const offline = (code: 'registry-unreachable' | 'no-such-image'): SwapError =>
  new SwapError(code, 'it is away', { hint: 'wait' });

suite('check', () => {
  test('asks once for what many follow, however it is spelt', async () => {
    const spellings = ['app:1', 'docker.io/app:1', 'docker.io/library/app:1'];
    const containers = Array.from({ length: 30 }, (_, at) => ({ image: spellings[at % 3] ?? '' }));
    const { checked, asked } = await check({
      containers,
      heads: Object.fromEntries(spellings.map((one) => [one, OLD])),
    });
    assert.deepEqual(asked, ['HEAD app:1']);
    assert.deepEqual(new Set(checked.map(({ outcome }) => outcome)), new Set(['current']));
  });

  test('reads the manifest only of what changed, for the platform that runs, once', async () => {
    const { checked, asked } = await check({ containers: [{}, {}, {}] });
    assert.deepEqual(asked, ['HEAD app:1', `GET docker.io/library/app@${NEW} arm64`]);
    assert.deepEqual(checked[0], {
      service: 'web-0',
      outcome: 'available',
      from: { image: 'app:1', digest: OLD },
      to: { reference: 'app:1', digest: NEW, created: '2026-01-02T00:00:00.000Z' },
      because: 'app:1 is sha256:bbbbbbbbbbbb now',
    });
  });

  test('knows the image by the digest that the roll wrote down', async () => {
    const labels = encodeState({
      role: 'replica',
      service: 'web',
      slot: 'web',
      follows: 'app:1',
      image: ID,
      digest: NEW,
    });
    const { checked, asked } = await check({ containers: [{ labels }], images: [{ digests: [], tags: [] }] });
    assert.equal(checked[0]?.outcome, 'current');
    assert.deepEqual(asked, ['HEAD app:1']);
  });

  test('takes an index that changed for another platform for no update', async () => {
    const { checked } = await check({ containers: [{}], remote: { ...REMOTE, configDigest: ID } });
    assert.equal(checked[0]?.outcome, 'current');
    assert.match(checked[0]?.because ?? '', /not the image for this platform/);
    const byManifest = await check({ containers: [{}], inspected: { manifestDigest: REMOTE.manifestDigest } });
    assert.equal(byManifest.checked[0]?.outcome, 'current');
  });

  test('holds what failed here, and asks nothing more', async () => {
    const failure = { code: 'not-healthy', reason: 'it ended', health: [], log: [] } as const;
    const labels = encodeState({
      role: 'failed',
      service: 'web-0',
      slot: 'web-0',
      roll: 'r',
      at: 'then',
      image: digest('9'),
      digest: NEW,
      failure,
    });
    const { checked, asked } = await check({
      containers: [{}],
      volumes: [{ name: failureName('web-0', 'r'), labels }],
    });
    assert.equal(checked.length, 1);
    assert.equal(checked[0]?.outcome, 'held');
    assert.equal(checked[0]?.to?.digest, NEW);
    assert.deepEqual(asked, ['HEAD app:1']);
  });

  test('holds what ran here before: a registry may flap', async () => {
    const history = [
      { at: 'now', follows: 'app:1', id: ID, digest: OLD, event: 'rolled' as const },
      { at: 'then', follows: 'app:1', id: digest('8'), digest: NEW, event: 'started' as const },
    ];
    const labels = encodeState({ role: 'replica', service: 'web-0', slot: 'web-0', follows: 'app:1', history });
    const { checked } = await check({ containers: [{ labels }] });
    assert.equal(checked[0]?.outcome, 'held');
    assert.match(checked[0]?.because ?? '', /ran here before and was replaced at then/);
  });

  test('asks no registry for what was built here, nor for what is pinned, nor for a bare id', async () => {
    const pinned = `app@${OLD}`;
    const { checked, asked } = await check({
      containers: [{}, { image: pinned }, { image: ID }],
      images: [{ digests: [] }],
      inspected: { config: { Image: ID } },
    });
    assert.deepEqual(asked, []);
    assert.deepEqual(
      checked.map(({ outcome, error }) => [outcome, error]),
      [
        ['current', undefined],
        ['current', undefined],
        ['current', undefined],
      ],
    );
    const bare = await check({
      containers: [{ image: ID }],
      images: [{ tags: [] }],
      inspected: { config: { Image: ID } },
    });
    assert.deepEqual([bare.checked[0]?.outcome, bare.checked[0]?.error], ['unknown', undefined]);
  });

  test('finds the newer build on this machine', async () => {
    const built = { id: digest('7'), digests: [] };
    const { checked, asked } = await check({ containers: [{ image: ID }], images: [built, { tags: [], digests: [] }] });
    assert.deepEqual(asked, []);
    assert.equal(checked[0]?.outcome, 'available');
    assert.deepEqual(checked[0]?.to, { reference: 'app:1', digest: digest('7') });
  });

  test('asks nobody where only what is here counts, be it built or pulled', async () => {
    const pulled = { id: digest('7'), digests: [`app@${NEW}`] };
    const images = [pulled, { tags: [], digests: [`app@${OLD}`] }];
    const { checked, asked } = await check({
      here: true,
      containers: [{ image: ID }, { imageId: digest('7') }],
      images,
    });
    assert.deepEqual(asked, []);
    assert.deepEqual(
      checked.map(({ outcome, to }) => [outcome, to?.digest]),
      [
        ['available', NEW],
        ['current', undefined],
      ],
    );
  });

  test('holds a build that failed here', async () => {
    const failure = { code: 'not-healthy', reason: 'it ended', health: [], log: [] } as const;
    const state = { role: 'failed', service: 'web-0', slot: 'web-0', roll: 'r', at: 'then', failure } as const;
    const labels = encodeState({ ...state, image: digest('7') });
    const built = { id: digest('7'), digests: [] };
    const { checked } = await check({
      containers: [{ image: ID }],
      volumes: [{ name: failureName('web-0', 'r'), labels }],
      images: [built, { tags: [], digests: [] }],
    });
    assert.deepEqual([checked[0]?.outcome, checked[0]?.held], ['held', 'failed']);
  });

  suite('on the containerd store, where a build has a digest, too', () => {
    const imageStore = 'containerd';
    const here = (id: string, tags: string[]) => ({ id, tags, digests: [] });

    test('an image is known by its id, for its list shows but one of several digests', async () => {
      const images = [here(NEW, ['app:1', 'mine:1'])];
      const { checked, asked } = await check({ imageStore, containers: [{ imageId: NEW }], images });
      assert.deepEqual(asked, ['HEAD app:1']);
      assert.equal(checked[0]?.outcome, 'current');
    });

    test('a newer build is found once the registry knows nothing of it', async () => {
      const images = [here(digest('7'), ['app:1']), here(ID, [])];
      const heads = { 'app:1': offline('no-such-image') };
      const { checked } = await check({ imageStore, containers: [{ image: ID }], images, heads });
      assert.equal(checked[0]?.outcome, 'available');
      assert.equal(checked[0]?.to?.digest, digest('7'));
    });

    test('what is not in Docker Hub was built here, what is away elsewhere is an error', async () => {
      const images = [here(ID, ['app:1', 'ghcr.io/me/app:1'])];
      const heads = { 'app:1': offline('no-such-image'), 'ghcr.io/me/app:1': offline('no-such-image') };
      const containers = [{}, { image: 'ghcr.io/me/app:1' }];
      const { checked } = await check({ imageStore, containers, images, heads });
      assert.deepEqual(
        checked.map(({ outcome, error }) => [outcome, error?.code]),
        [
          ['unknown', undefined],
          ['unknown', 'no-such-image'],
        ],
      );
    });
  });

  test('tells what went wrong in the line of the service, and the others go on', async () => {
    const { checked } = await check({
      containers: [{}, { image: 'other:1' }, { labels: { 'swapctl.track': 'nonsense' } }, { image: 'UPPER:1' }],
      heads: { 'app:1': OLD, 'other:1': offline('registry-unreachable') },
    });
    assert.deepEqual(
      checked.map(({ outcome, error }) => [outcome, error?.code]),
      [
        ['current', undefined],
        ['unknown', 'registry-unreachable'],
        ['unknown', 'config'],
        ['unknown', 'usage'],
      ],
    );
    const { code, state, hint } = checked[1]?.error ?? {};
    assert.deepEqual([code, state, hint], ['registry-unreachable', 'untouched', 'wait']);
  });

  test('follows the newest tag that the label allows, but not one that the image brings', async () => {
    const labels = { 'swapctl.track': '^1' };
    const scene: Scene = {
      containers: [{ image: 'app:1.0.0', labels }],
      tags: ['1.0.0', '1.2.0', '2.0.0'],
      heads: { 'app:1.2.0': NEW, 'app:1.0.0': OLD },
    };
    const own = await check(scene);
    assert.deepEqual(own.asked.slice(0, 2), ['tags app:1.0.0', 'HEAD app:1.2.0']);
    assert.equal(own.checked[0]?.to?.reference, 'app:1.2.0');
    const brought = await check({ ...scene, images: [{ labels }] });
    assert.deepEqual(brought.asked, ['HEAD app:1.0.0']);
  });

  test('says where no tag can be compared with the followed one', async () => {
    const scene: Scene = {
      containers: [{ image: 'app:1.0.0-php8.2', labels: { 'swapctl.track': 'minor' } }],
      tags: ['1.0.0-php8.2', '1.1.0-php8.3', 'latest'],
      heads: { 'app:1.0.0-php8.2': OLD },
    };
    const { checked } = await check(scene);
    assert.match(
      checked[0]?.because ?? '',
      /; swapctl\.track finds nothing newer: none of the 2 other tags .* with "1\.0\.0-php8\.2"$/,
    );
    const older = await check({ ...scene, tags: [...(scene.tags ?? []), '0.9.0-php8.2'] });
    assert.doesNotMatch(older.checked[0]?.because ?? '', /track/);
  });

  test('of several replicas tells the one that is behind', async () => {
    const replica = (number: string, imageId: string): Partial<ListedContainer> => ({
      imageId,
      labels: {
        'com.docker.compose.project': 'shop',
        'com.docker.compose.service': 'web',
        'com.docker.compose.container-number': number,
      },
    });
    const images = [{}, { id: digest('2'), tags: [], digests: [`app@${NEW}`] }];
    const { checked } = await check({ containers: [replica('1', digest('2')), replica('2', ID)], images });
    assert.equal(checked.length, 1);
    assert.deepEqual(
      [checked[0]?.service, checked[0]?.outcome, checked[0]?.from.digest],
      ['shop/web', 'available', OLD],
    );
  });
});
