// A container that never becomes healthy behind the gate: the report counts the connections that the gate redirected away from it.
import assert from 'node:assert/strict';
import test from 'node:test';
import { slotNames } from '../../../src/core/service/names.ts';
import { SETUPS } from '../../matrix/setups.ts';
import { command, type Stage, stageOf } from '../../matrix/stage.ts';
import { connect } from '../../memory/clients.ts';
import { create } from '../../memory/containers.ts';
import { start } from '../../memory/lifecycle.ts';

const NETWORK = 'net';

/** Connects this number of clients to the new container while it becomes healthy; resolves with the hint of the report. */
async function hintAfter(clients: number): Promise<string> {
  const stage = await stageOf(SETUPS['start-first, sick image']);
  const { machine } = stage;
  const networks = { [NETWORK]: {} };
  start(machine, create(machine, { name: 'peer', config: { Image: stage.from }, host: {}, networks }));
  const process = stage.open();
  // Its addresses are redirected by then.
  process.before('kernel.shut', 1, () => {
    for (let nth = 0; nth < clients; nth++) connectFromPeer(stage);
  });
  const report = await command(stage, process);
  if (report === 'died') assert.fail('it died');
  assert.equal(report.error?.code, clients > 0 ? 'unproven' : 'not-healthy', JSON.stringify(report));
  return report.error.hint ?? '';
}

function connectFromPeer({ machine, place }: Stage): void {
  const of = (name: string): string =>
    machine.names.get(name)?.networks[NETWORK]?.IPAddress ?? assert.fail(`${name} has an address`);
  const made = connect(machine, place.rules, { kind: 'address', address: of(slotNames('web').next) }, of('peer'));
  assert.ok(made, 'the old container answers');
  made.close();
}

test('they are counted, with the setting that opens the gate', async () => {
  assert.match(await hintAfter(3), /the gate redirected 3 connections away from it: .* set swapctl\.gate=false/);
  assert.match(await hintAfter(1), /the gate redirected 1 connection away/);
});

test('none are not mentioned', async () => {
  assert.doesNotMatch(await hintAfter(0), /gate/);
});
