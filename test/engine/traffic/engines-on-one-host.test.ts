// Two engines in one network namespace, such as Docker and Podman on one host: swapctl for one of them leaves the rules of the other
// alone. It needs no engine.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { nftKernel } from '../../../src/adapters/traffic/nftables/nft-kernel.ts';
import { APP_KEY, assertServes, type Box, type Stage } from '../../contract/host.ts';
import { inOwnNetwork } from '../../lab/bare-host.ts';
import { missingProgram, missingRoot } from '../../lab/missing.ts';
import { openStage, startHost } from '../contract/bare-stage.ts';

const unable = missingRoot() || missingProgram('setpriv', 'unshare', 'nsenter', 'ip', 'nft');
const PORT = 80;
const nobody = async (): Promise<undefined> => undefined;

function kernelOf(id: string): ReturnType<typeof nftKernel> {
  return nftKernel(async () => ({ local: true, id }));
}

function request({ bridges }: Stage, standIn: Box) {
  const ports = { [APP_KEY]: [{ HostIp: '0.0.0.0', HostPort: String(PORT) }] };
  return { ports, standIn, bridges: bridges.map(({ device }) => device), lifetimeMs: undefined, leaving: [] };
}

function declare(open: (t: TestContext) => Promise<Stage>): void {
  const other = kernelOf('other');

  test('a port redirect is no orphan of another engine', async (t) => {
    const stage = await open(t);
    await stage.start('web', PORT);
    await stage.kernel.setPortRedirect('web', request(stage, await stage.start('stand-in', 49_153)));
    assert.equal(await other.clearOrphans(async () => []), 0);
    assert.equal(await stage.kernel.portRedirect('web'), 'lasting');
    await assertServes('stand-in', stage.connectTo(PORT));
  });

  test('an address redirect between containers of another engine is not swept', async (t) => {
    const stage = await open(t);
    const [from, to] = [await stage.start('old'), await stage.start('new')];
    await stage.kernel.redirectAddress(from, to, stage.bridges, 60_000);
    assert.equal(await other.sweepAddressRedirects(nobody), 0);
    assert.deepEqual(await other.addressRedirects([from.id]), []);
    assert.equal(await other.endAddressRedirect(from.id, nobody), 0);
    assert.equal((await stage.kernel.addressRedirects([from.id])).length, 1);
    await assertServes('new', stage.connect(from));
  });

  test('a slot of the same name on another engine has rules of its own', async (t) => {
    const stage = await open(t);
    const standIn = await stage.start('stand-in', 49_153);
    await stage.kernel.setPortRedirect('web', request(stage, standIn));
    assert.equal(await other.portRedirect('web'), 'none');
    await other.setPortRedirect('web', request(stage, standIn));
    await other.clearPortRedirect('web');
    assert.equal(await stage.kernel.portRedirect('web'), 'lasting');
  });

  test('another process of swapctl for the same engine finds its rules', async (t) => {
    const stage = await open(t);
    const [from, to] = [await stage.start('old'), await stage.start('new', 49_153)];
    await stage.kernel.setPortRedirect('web', request(stage, to));
    await stage.kernel.redirectAddress(from, to, stage.bridges, 60_000);
    const second = kernelOf('one');
    assert.equal(await second.portRedirect('web'), 'lasting');
    assert.equal((await second.addressRedirects([from.id])).length, 1);
    assert.equal(await second.clearOrphans(async () => []), 1);
    assert.equal(await second.sweepAddressRedirects(nobody), 1);
  });
}

if (unable) test('engines on one host', { skip: unable }, () => {});
else if (inOwnNetwork()) {
  const clients = await startHost(test.after);
  declare((t) => openStage(t, clients, kernelOf('one')));
}
