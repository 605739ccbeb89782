import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import type { Container, HostConfig } from '../../../src/core/model/container.ts';
import {
  follow,
  isTied,
  means,
  neededToStart,
  referencesOf,
  requiredBy,
  successorLinks,
  successorNetworkLinks,
  successorSharing,
} from '../../../src/core/model/references.ts';
import { successorsOf } from '../../../src/core/recreate/successors.ts';
import { encodeState } from '../../../src/core/service/labels.ts';
import { container, summary } from '../builders.ts';

const ID = 'ab12cd34ef56'.padEnd(64, '0');
const NEW = 'fe65dc43ba21'.padEnd(64, '0');
const OWNER = { id: ID, name: 'db' };

function host(change: HostConfig): Container {
  return container({ host: change });
}

function linked(...links: string[]): Container {
  return container({ networks: { net: { Links: links }, other: {} } });
}

suite('what a container refers to', () => {
  // The reference, its kind, and if the container is re-created with the other, needs it running to start, or needs it to exist.
  const table: [string, Container, string, boolean, boolean, boolean][] = [
    ['network', host({ NetworkMode: `container:${ID}` }), 'network', true, true, true],
    ['PID namespace', host({ PidMode: `container:${ID}` }), 'pid', true, true, true],
    ['IPC namespace', host({ IpcMode: 'container:db' }), 'ipc', true, true, true],
    ['link on the default bridge', host({ Links: ['/db:/web/store'] }), 'link', true, true, false],
    ['link by a short id', linked('ab12cd34ef56:store'), 'network link', true, false, false],
    ['link by a name', linked('db:store'), 'network link', false, false, false],
    ['link by a full id, which the DNS never answers', linked(`${ID}:store`), 'network link', false, false, false],
    ['volumes by an id', host({ VolumesFrom: [`${ID}:ro`] }), 'volumes', false, false, true],
    ['volumes by a short id', host({ VolumesFrom: ['ab12cd34ef56:rw'] }), 'volumes', false, false, true],
    ['volumes by a name with a slash', host({ VolumesFrom: ['/db'] }), 'volumes', false, false, true],
  ];
  for (const [name, one, kind, tied, toStart, required] of table)
    test(name, () => {
      const [reference, ...more] = referencesOf(one);
      assert.equal(reference?.kind, kind);
      assert.deepEqual(more, []);
      assert.ok(means(reference.to, OWNER));
      assert.ok(!means(reference.to, { id: NEW, name: 'other' }));
      assert.deepEqual(
        [isTied(one, OWNER), neededToStart(one).length > 0, requiredBy(one).length > 0],
        [tied, toStart, required],
      );
    });

  test('other modes, cgroups and what is not set refer to none', () => {
    const none = { NetworkMode: 'host', PidMode: '', IpcMode: 'shareable', Links: null, VolumesFrom: null };
    const cgroups = { CgroupParent: `/docker/${ID}`, CgroupnsMode: 'private', Cgroup: `container:${ID}` };
    assert.deepEqual(referencesOf(host({ ...none, ...cgroups })), []);
  });
});

suite('after the other was replaced', () => {
  const successors = new Map([[ID, NEW]]);

  test('each reference names the successor', () => {
    const modes = { NetworkMode: `container:${ID}`, PidMode: `container:${ID}`, IpcMode: 'private' };
    assert.deepEqual(successorSharing({ ...modes, VolumesFrom: [`${ID}:ro`, 'ab12cd34ef56', 'third'] }, successors), {
      NetworkMode: `container:${NEW}`,
      PidMode: `container:${NEW}`,
      VolumesFrom: [`${NEW}:ro`, NEW, 'third'],
    });
    assert.deepEqual(successorLinks(['/db:/web/store'], new Map([['db', NEW]])), [`${NEW}:store`]);
    assert.deepEqual(successorNetworkLinks({ Links: ['ab12cd34ef56:store', 'db:db', 'alone'] }, successors), [
      'fe65dc43ba21:store',
      'db:db',
      'alone',
    ]);
  });

  test('a name that an id happens to begin with is left alone', () => {
    assert.equal(follow('ab', successors), 'ab');
    assert.ok(!isTied(host({ Links: ['/ab:/web/store'] }), OWNER));
  });
});

suite('the successor of a container that is gone', () => {
  const sidecar = host({ VolumesFrom: [ID] });
  const made = { role: 'replica', service: 'db', slot: 'db' } as const;
  const now = (change: object, name = 'db') => summary({ id: NEW, name, labels: encodeState({ ...made, ...change }) });

  test('is what says that it replaced it, or that it comes after it', () => {
    assert.deepEqual(successorsOf(sidecar, [now({ replaces: ID })]), new Map([[ID, NEW]]));
    assert.deepEqual(successorsOf(sidecar, [now({ replaces: 'x', predecessors: ['y', ID] })]), new Map([[ID, NEW]]));
  });

  test('is the one with the name of the slot, while another is being made', () => {
    const next = { ...now({ replaces: NEW, predecessors: [ID] }, 'db.swapctl-next'), id: 'next' };
    assert.deepEqual(successorsOf(sidecar, [next, now({ replaces: ID })]), new Map([[ID, NEW]]));
  });

  test('is none where the container is still there, where nothing says so, or under a foreign name', () => {
    const there = summary({ id: ID, name: 'db.swapctl-old' });
    assert.deepEqual(successorsOf(sidecar, [there, now({ replaces: ID })]), new Map());
    assert.deepEqual(successorsOf(host({ VolumesFrom: ['ab1'] }), [there]), new Map());
    assert.deepEqual(successorsOf(sidecar, [now({ replaces: 'x' })]), new Map());
    assert.deepEqual(successorsOf(sidecar, [now({ replaces: ID }, 'elsewhere')]), new Map());
    assert.deepEqual(successorsOf(sidecar, [now({ replaces: ID, role: 'rehearsal' })]), new Map());
  });
});
