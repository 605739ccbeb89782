// The contract of the Registry port on a registry of the test's own, through the client that is shipped. It needs no engine.
import test, { type TestContext } from 'node:test';
import { pushImage } from '../../adapters/registry/push.ts';
import { client } from '../../adapters/registry/scripted.ts';
import { registryContract, type Stage } from '../../contract/registry.ts';
import { missingDownload } from '../../lab/missing.ts';
import { startRegistry } from '../../lab/registry.ts';

const unable = missingDownload('tools');
const CREATED = Date.parse('2026-01-02T03:04:05Z');
let pushed = 0;

async function open(t: TestContext): Promise<Stage> {
  const registry = await startRegistry();
  t.after(() => registry.stop());
  return {
    registry: client(t),
    reference: (name) => `${registry.host}/${name}`,
    push: async (name) => ({ ...(await pushImage(registry, name, `image ${++pushed}`)), created: CREATED }),
  };
}

if (unable) test('a real registry keeps the contract', { skip: unable }, () => {});
else registryContract('docker-registry', open);
