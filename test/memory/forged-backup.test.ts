// A forged backup of web: whatever it names, no volume that another container uses is emptied or refilled.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { createApp } from '../../src/app/app.ts';
import { encodeState } from '../../src/core/service/labels.ts';
import type { Ports } from '../../src/ports/ports.ts';
import { type Place, placeOf } from './strangers.ts';

const PLAIN = {
  strangers: [],
  volumes: [],
  joins: false,
  composed: false,
  copied: false,
  infected: undefined,
  sick: false,
};
const NOTE = { service: 'web', slot: 'web', roll: 'r' } as const;

interface Forgery {
  readonly shared: boolean;
  readonly own: boolean;
}

const CASES: Readonly<Record<string, Forgery & { readonly says: RegExp }>> = {
  'of a volume that is not of the service': { shared: false, own: true, says: /does not write to the volume/ },
  'of a volume that another container writes to as well': {
    shared: true,
    own: true,
    says: /is writing to the volume/,
  },
  'from a volume that is no copy': { shared: true, own: false, says: /does not say that it is a copy/ },
};

suite('a forged backup', () => {
  for (const [what, { says, ...forgery }] of Object.entries(CASES))
    test(what, async () => {
      const { machine, clock, ports } = await placeOf(PLAIN);
      const work = async () => {
        await interrupted(ports, machine, forgery);
        return createApp(ports).recover(['web'], new AbortController().signal);
      };
      const [item] = await clock.run(work());
      assert.equal(item?.error?.code, 'attention');
      assert.match(item?.error?.message ?? '', says);
      assert.deepEqual([...(machine.volumes.get('victims')?.files ?? [])], [['file', 'precious']]);
      assert.equal(machine.names.get('victim')?.status, 'running');
      assert.ok(machine.volumes.has('copy'));
    });
});

// A roll that died after it had stopped and renamed web, a running container of another user, and the forged backup.
async function interrupted({ engine }: Ports, machine: Place['machine'], { shared, own }: Forgery): Promise<void> {
  await engine.createVolume('victims', {});
  machine.volumes.get('victims')?.files.set('file', 'precious');
  await engine.createVolume('copy', own ? encodeState({ ...NOTE, role: 'backup' }) : {});
  const using = (volume: string) => ({ Mounts: [{ Type: 'volume', Source: volume, Target: '/data' }] });
  const config = { Image: 'app:1' };
  await engine.start(await engine.create({ name: 'victim', config, host: using('victims'), networks: {} }));
  await engine.remove('web', { discard: true });
  const host = using(shared ? 'victims' : 'data');
  const web = await engine.create({ name: 'web.swapctl-old', config, host, networks: {} });
  await engine.start(web);
  await engine.stop(web);
  const Labels = encodeState({ ...NOTE, role: 'lock', holder: 'a dead process', incumbents: [web] });
  await engine.create({ name: 'web.swapctl-lock', config: { ...config, Labels }, host: {}, networks: {} });
  const image = machine.names.get('victim')?.image.id;
  const copies = [{ volume: 'victims', copy: 'copy', bytes: 0, files: 0 }];
  const backup = { ...config, Labels: encodeState({ ...NOTE, role: 'backup', image, copies }) };
  await engine.create({ name: 'web.swapctl-backup-r', config: backup, host: {}, networks: {} });
}
