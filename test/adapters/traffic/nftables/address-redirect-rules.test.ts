// The rules of an address redirect as text, checked by the nft program of this machine.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import {
  addressRedirectEnds,
  addressRedirectTable,
  clearHostScript,
  haltScript,
  hostScript,
  isLive,
  type Lane,
  redirectedClients,
  renewScript,
  targetScript,
} from '../../../../src/adapters/traffic/nftables/address-redirect-rules.ts';
import { missingRoot } from '../../../lab/missing.ts';

const OWNER = '01234567';
const TABLE = addressRedirectTable(OWNER, '0123456789abcdef', 'fedcba9876543210');
const LANES: Lane[] = [
  {
    family: 'ip',
    device: '"br-1"',
    from: { ip: '172.29.0.2', mac: '02:42:ac:1d:00:02' },
    to: { ip: '172.29.0.3', mac: '02:42:ac:1d:00:03' },
  },
  {
    family: 'ip6',
    device: '"br-1"',
    from: { ip: 'fd00::2', mac: '02:42:ac:1d:00:02' },
    to: { ip: 'fd00::3', mac: '02:42:ac:1d:00:03' },
  },
];

// In a network namespace of its own: a renewal needs the tables to exist.
const ENV = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
const nft = (script: string) =>
  spawnSync('unshare', ['--net', 'nft', '-f', '-'], { input: script, encoding: 'utf8', env: ENV });
const unable = missingRoot() || (nft('').status !== 0 && 'nft is missing, or not allowed');

test('nft accepts the scripts that set up, renew, end and clear an address redirect', { skip: unable }, () => {
  for (const lanes of [LANES, LANES.slice(0, 1), LANES.slice(1)]) {
    const host = [
      hostScript(TABLE, lanes, 5000),
      renewScript(TABLE, lanes, 9000),
      haltScript(TABLE),
      clearHostScript(TABLE),
    ];
    for (const script of [host.join(''), clearHostScript(TABLE), targetScript(TABLE, lanes)]) {
      const { status, stderr } = nft(script);
      assert.equal(status, 0, `${stderr}\n${script}`);
    }
  }
});

test('a forward that is set up once more has the rules of one, the new lanes, and its whole time', {
  skip: unable,
}, () => {
  const listed = (...scripts: string[]): string => {
    const { stdout, status, stderr } = spawnSync(
      'unshare',
      ['--net', 'sh', '-c', 'nft -f - && nft list ruleset | sed -E "s/ expires [0-9a-z]+//"'],
      { input: scripts.join(''), encoding: 'utf8', env: ENV },
    );
    assert.equal(status, 0, stderr);
    return stdout;
  };
  const once = hostScript(TABLE, LANES, 9000);
  assert.match(listed(once), /172\.29\.0\.2 timeout 9s/);
  assert.equal(listed(hostScript(TABLE, LANES.slice(0, 1), 5000), once), listed(once));
});

test('a table names the two containers and the engine that they are of', () => {
  assert.deepEqual(addressRedirectEnds(OWNER, TABLE), { from: '0123456789ab', to: 'fedcba987654' });
  for (const other of ['swapctl-0123456789ab', 'swapctl-gate', `${TABLE}0`, 'docker']) {
    assert.equal(addressRedirectEnds(OWNER, other), undefined);
  }
  assert.equal(addressRedirectEnds('76543210', TABLE), undefined);
});

// In the output of nft 1.0.6 to 1.1.7: an element with attributes beside its value, or bare.
test('the output of nft shows if a redirect is active, and its clients', () => {
  const set = (name: string, elem: unknown[]) => ({ nftables: [{ metainfo: {} }, { set: { name, elem } }] });
  const live = ['172.29.0.2', { elem: { val: '172.29.0.2', timeout: 9, expires: 8 } }];
  assert.deepEqual(
    [...live.map((one) => set('live_ip', [one])), set('live_ip6', ['fd00::2']), set('live_ip', []), {}].map(isLive),
    [true, true, true, false, false],
  );
  const flow = (...concat: unknown[]) => ({ elem: { val: { concat }, expires: 3599 } });
  assert.deepEqual(redirectedClients(set('flows_ip', [flow('172.29.0.4', 58_876, '172.29.0.2', 8080)])), [
    { address: '172.29.0.4', port: 58_876, to: '172.29.0.2' },
  ]);
  assert.deepEqual(redirectedClients(set('unanswered_ip', [flow('172.29.0.4', 6, '172.29.0.2', 8080)])), []);
  assert.deepEqual(redirectedClients(set('flows_ip6', [flow('fd00::4', 5, 'fd00::2', 80)])), [
    { address: 'fd00::4', port: 5, to: 'fd00::2' },
  ]);
});

test('renewing goes on with the addresses of the lanes, in both families of tables', () => {
  const added = renewScript(TABLE, LANES, 9000).match(/^add .*$/gm);
  assert.deepEqual(added, [
    `add element bridge ${TABLE} live_ip { 172.29.0.2 timeout 9s }`,
    `add element inet ${TABLE} live_ip { 172.29.0.2 timeout 9s }`,
    `add element bridge ${TABLE} live_ip6 { fd00::2 timeout 9s }`,
    `add element inet ${TABLE} live_ip6 { fd00::2 timeout 9s }`,
  ]);
});
