// Rolls of a group of real hosts: five engines over ssh and one over TLS, each in a network namespace of its own, under load.
import assert from 'node:assert/strict';
import test, { after, before, suite } from 'node:test';
import { swapctl } from '../../lab/cli.ts';
import { startDaemon, stopDaemon } from '../../lab/engines.ts';
import { type Lab, NAMES, startLab, underLoad } from './hosts.ts';

const skip = process.getuid?.() === 0 ? false : 'needs root';
// They wait for an engine that comes back, which takes minutes; test/app/group has both in memory.
const long = process.env.SWAPCTL_TEST_LONG === '1' ? false : 'takes three minutes more: SWAPCTL_TEST_LONG=1';
const THREE = NAMES.slice(0, 3);
const GROUPS = `  all: { hosts: [${NAMES.join(', ')}], canary: web2, bake: 2s, at-once: 3 }
  three: { hosts: [web1, web2, web3] }
  first: { hosts: [web1, web2, web3], bake: 20s }
  last: { hosts: [web3, web4], bake: 20s }`;

suite('groups of hosts', { skip }, () => {
  let lab: Lab;

  before(async () => {
    lab = await startLab(GROUPS);
  });
  after(() => lab?.stop());

  const call = (command: string, on: string, options: Parameters<typeof swapctl>[1] = {}) => {
    const services = command === 'recover' ? [] : [lab.service];
    const args = [command, ...services, '--on', on, '--config', lab.config, '--json'];
    return swapctl(args, { env: lab.env, ...options });
  };
  const outcomes = ({ hosts }: { hosts: { host: string; outcome: string }[] }): string =>
    hosts.map(({ host, outcome }) => `${host} ${outcome}`).join(', ');
  const kill = (name: string) => stopDaemon(lab.host(name).kind, lab.host(name).options, 'SIGKILL');
  const revive = (name: string) => startDaemon(lab.host(name).kind, lab.host(name).options);

  /** Every host is whole: the service runs the version, and nothing else is left. */
  const assertWhole = async (versions: string[], names: readonly string[] = NAMES): Promise<void> => {
    assert.deepEqual((await lab.versions()).slice(0, names.length), versions);
    for (const name of names) {
      const { world, engine } = lab.host(name);
      const there = (await engine.docker.listContainers({ all: true })).flatMap(({ Names }) => Names);
      assert.deepEqual(
        there.filter((one) => !one.startsWith(`/${world.name('load')}`)),
        [`/${lab.service}`],
        name,
      );
    }
  };

  test('a good image goes to the canary host and then to all others under load', async (t) => {
    await lab.push('2');
    const stop = await underLoad(lab.hosts);
    const roll = await call('roll', 'all');
    assert.equal(roll.code, 0, roll.stderr + roll.stdout);
    const report = roll.json();
    assert.equal(outcomes(report), 'web2 rolled, web1 rolled, web3 rolled, web4 rolled, web5 rolled, web6 rolled');
    const loads = await stop();
    await assertWhole(Array(6).fill('2'));
    const counts = loads.map(({ host, requests, failed }) => `${host} ${requests} (${failed} failed)`);
    t.diagnostic(`${report.totalMs} ms; requests: ${counts.join(', ')}`);
  });

  test('a bad image is refused on the canary host, held for the group, and no other host is touched', async () => {
    const before = await lab.versions();
    await lab.push('bad', true);
    const stop = await underLoad(lab.hosts.slice(1, 3));
    const roll = await call('roll', 'all');
    await stop();
    assert.equal(roll.code, 1, roll.stderr + roll.stdout);
    assert.match(outcomes(roll.json()), /^web2 failed, web1 untouched, .*web6 untouched$/);
    assert.equal(roll.json().error.code, 'not-healthy');
    const again = await call('roll', 'three');
    assert.equal(again.code, 1, again.stdout);
    assert.equal(again.json().error.code, 'known-bad');
    assert.match(again.json().error.message, /^web2: /);
    await assertWhole(before);
  });

  test('a host that is away before the roll keeps all others from being touched', async () => {
    await lab.push('3');
    await kill('web3');
    const roll = await call('roll', 'three');
    assert.equal(roll.code, 5, roll.stderr + roll.stdout);
    assert.match(roll.json().error.message, /^web3 can't be reached: /);
    const skipping = await swapctl(
      ['roll', lab.service, '--on', 'three', '--skip-unreachable', '--config', lab.config, '--json'],
      { env: lab.env },
    );
    assert.equal(skipping.code, 5, skipping.stderr + skipping.stdout);
    assert.equal(outcomes(skipping.json()), 'web1 rolled, web2 rolled, web3 skipped');
    await revive('web3');
    assert.equal((await call('roll', 'three')).code, 0);
    await assertWhole(Array(3).fill('3'), THREE);
  });

  test('a host that disappears in its turn halts the group, and recover and a roll bring all to the new image', {
    skip: long,
  }, async () => {
    await lab.push('4');
    let isAway = false;
    const roll = await call('roll', 'three', {
      atLine: async (line) => {
        if (isAway || !line.includes(`web2/${lab.service}: start ${lab.service}.`)) return;
        isAway = true;
        await kill('web2');
      },
    });
    assert.ok(isAway, roll.stderr);
    assert.equal(roll.code, 3, roll.stderr + roll.stdout);
    assert.equal(outcomes(roll.json()), 'web1 rolled, web2 failed, web3 untouched');
    await revive('web2');
    const recover = await call('recover', 'three');
    assert.equal(recover.code, 0, recover.stderr + recover.stdout);
    const again = await call('roll', 'three');
    assert.equal(again.code, 0, again.stderr + again.stdout);
    await assertWhole(Array(3).fill('4'), THREE);
  });

  test('a host that disappears after its turn is no failure of the others', { skip: long }, async () => {
    await lab.push('5');
    let isAway = false;
    const roll = await call('roll', 'three', {
      atLine: async (line) => {
        if (isAway || !line.includes(`web3/${lab.service}: `)) return;
        isAway = true;
        await kill('web1');
      },
    });
    assert.ok(isAway, roll.stderr);
    assert.equal(roll.code, 0, roll.stderr + roll.stdout);
    await revive('web1');
    const recover = await call('recover', 'three');
    assert.equal(recover.code, 0, recover.stderr + recover.stdout);
    await assertWhole(Array(3).fill('5'), THREE);
  });

  test('after kill -9 between two hosts and inside of one, recover finishes or undoes the roll', async (t) => {
    const moments = ['web2/SHOP: start-first', 'web2/SHOP: create', 'web2/SHOP: stop'];
    // Each takes most of a minute.
    for (const [at, moment] of (long ? moments.slice(1, 2) : moments).entries()) {
      const before = (await lab.versions())[0];
      const version = `${6 + at}`;
      await lab.push(version);
      const mark = moment.replace('SHOP', lab.service);
      const roll = await call('roll', 'three', {
        atLine: async (line, end) => {
          if (line.includes(mark)) end('SIGKILL');
        },
      });
      assert.equal(roll.endedBy, 'SIGKILL', `${moment}: ${roll.stderr}`);
      const recover = await call('recover', 'three');
      assert.equal(recover.code, 0, `${moment}: ${recover.stderr}${recover.stdout}`);
      const runs = (await lab.versions()).slice(0, 3);
      assert.equal(new Set(runs).size, 1, `${moment}: ${runs}`);
      t.diagnostic(`killed at ${moment}: ${runs[0] === version ? 'finished' : 'undone'}`);
      if (runs[0] === before) assert.equal((await call('roll', 'three')).code, 0, moment);
      await assertWhole(Array(3).fill(version), THREE);
    }
  });

  test('of two rolls of overlapping groups one is refused, and its hosts stay untouched', async () => {
    await lab.push('20');
    let second: ReturnType<typeof call> | undefined;
    const first = await call('roll', 'first', {
      // A long bake. The first process must not stand still for the second: its locks would be silent.
      atLine: async (line) => {
        if (line.includes(`web1/${lab.service}: stop`)) second ??= call('roll', 'last');
      },
    });
    assert.equal(first.code, 0, first.stderr + first.stdout);
    const other = await second;
    assert.equal(other?.code, 4, (other?.stderr ?? '') + (other?.stdout ?? ''));
    assert.equal(outcomes(other?.json()), 'web3 untouched, web4 untouched');
    assert.match(other?.json().error.message, /^web3: another roll of /);
    await assertWhole(Array(3).fill('20'), THREE);
  });
});
