// A client of a published port whose SYN the old container does not answer sends it again, and connection tracking sends it to the same
// container, whatever redirects the port by then.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import { connectFrom } from '../../lab/connection.ts';
import { engineFacts } from '../../lab/engine.ts';
import { enter, otherHost } from '../../lab/netns.ts';
import { eventually } from '../../lab/waiting.ts';
import { testWorld } from '../../lab/world.ts';
import { inside } from './address-redirect-world.ts';
import { fixedPort, LATE, roll, startService } from './handover-world.ts';

const SYN = 'tcp flags & (syn | ack) == syn';

test('a connection that the old container did not answer reaches the new one in a handover', async (t) => {
  const world = testWorld(t);
  const other = otherHost(world);
  const port = await fixedPort();
  const web = await startService(world, 'web', { ports: [{ host: port }], app: { env: { DRAIN: 1, ...LATE } } });
  // As when its backlog is full; its health check continues.
  const deaf = `iifname != "lo" tcp dport 8080 ${SYN} drop`;
  const rules = `table inet swtest-deaf { chain in { type filter hook input priority 0; ${deaf}; }; }`;
  run(await inside(web.container, []), 'nft', rules);
  const client = enter(other.name, []);
  const sent = `table inet sent { chain out { type filter hook output priority 100; tcp dport ${port} ${SYN} counter; }; }`;
  run(client, 'nft', sent);
  const sentSyns = () => Number(/packets (\d+) /.exec(run(client, 'nft', 'list', 'table', 'inet', 'sent'))?.[1]);
  const connection = connectFrom(world, client, other.hostAddress, port);
  await eventually('a SYN is sent', async () => sentSyns() > 0);
  let end: string | undefined;
  void connection.version.then((line) => {
    end = line;
  });
  // At once: a stand-in that answers stops at the end of the roll.
  const echoed = connection.echo('through');
  await web.publish('2');
  let stops = 0;
  const atLine = async (line: string): Promise<void> => {
    if (!/\bstop /.test(line) || stops++ > 0) return;
    const before = sentSyns();
    await eventually('the SYN is sent again', async () => end !== undefined || sentSyns() > before);
  };
  const { json } = await roll(world, web.name, { atLine });
  assert.equal(json().strategy, 'handover');
  assert.equal(stops > 0, true, 'the old container was stopped');
  assert.equal(await connection.version, '2');
  assert.equal(await echoed, 'through');
  connection.close();
  t.diagnostic(`engine ${(await engineFacts(world.docker)).version}`);
});

/** Runs a program behind a command that enters a network namespace. */
function run(command: string[], ...args: string[]): string {
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
  return execFileSync('env', [...command, ...args], { encoding: 'utf8', env });
}
