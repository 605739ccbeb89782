// Which rules the clean-up after tests removes. The engine is made up, and nft runs in a network namespace of the test's own.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { identityOf } from '../../src/adapters/docker/engine/facts.ts';
import { addressRedirectTable } from '../../src/adapters/traffic/nftables/address-redirect-rules.ts';
import { ownerOf } from '../../src/adapters/traffic/owner.ts';
import { missingProgram, missingRoot } from '../lab/missing.ts';

const unable = missingRoot() || missingProgram('unshare', 'nft');
const INFO = { ID: 'A:B', DockerRootDir: '/var/lib/docker' };
const [GONE, HERE] = ['0'.repeat(64), 'a'.repeat(64)];
const ANSWERS: Record<string, unknown> = {
  '/info': INFO,
  '/containers/json?all=1': [{ Id: HERE, Names: ['/web'], Labels: {} }],
  '/networks': [],
  '/volumes': { Volumes: [] },
  '/images/json?all=1': [],
};

/** Resolves with the address of an engine that has one container. */
async function madeUpEngine(t: TestContext): Promise<string> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swc-'));
  const socket = path.join(folder, 'docker.sock');
  const server = createServer((request, response) => void response.end(JSON.stringify(ANSWERS[request.url ?? ''])));
  await once(server.listen(socket), 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
    rmSync(folder, { recursive: true });
  });
  return `unix://${socket}`;
}

test('address redirects to containers that are gone are removed, and those of other engines are not', {
  skip: unable,
}, async (t) => {
  const [own, other] = [ownerOf(identityOf(INFO, 'docker')), ownerOf('other')];
  const dead = addressRedirectTable(own, GONE, GONE);
  const left = [addressRedirectTable(own, GONE, HERE), addressRedirectTable(other, GONE, GONE)];
  const script = new URL('../../scripts/leftovers.mjs', import.meta.url).pathname;
  const rules = [dead, ...left].map((table) => `add table bridge ${table}`).join('; ');
  const commands = `nft '${rules}' && '${process.execPath}' '${script}' >&2 && nft list tables`;
  const env = { ...process.env, DOCKER_HOST: await madeUpEngine(t), PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
  const { stdout } = await promisify(execFile)('unshare', ['--net', 'sh', '-c', commands], { env });
  assert.deepEqual(stdout.trim().split('\n').sort(), left.map((table) => `table bridge ${table}`).sort());
});
