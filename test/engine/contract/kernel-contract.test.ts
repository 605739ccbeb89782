// The contracts of the Kernel and the Traffic port on nftables and this machine's kernel; they need no engine.
import test, { type TestContext } from 'node:test';
import { nftKernel } from '../../../src/adapters/traffic/nftables/nft-kernel.ts';
import type { Stage } from '../../contract/host.ts';
import { kernelContract } from '../../contract/kernel.ts';
import { trafficContract } from '../../contract/traffic.ts';
import { inOwnNetwork } from '../../lab/bare-host.ts';
import { missingProgram, missingRoot } from '../../lab/missing.ts';
import { openStage, startHost } from './bare-stage.ts';

const unable = missingRoot() || missingProgram('setpriv', 'unshare', 'nsenter', 'ip', 'nft');

if (unable) test('nftables keeps the contracts', { skip: unable }, () => {});
else if (inOwnNetwork()) {
  const clients = await startHost(test.after);
  const open = (t: TestContext): Promise<Stage> =>
    openStage(
      t,
      clients,
      nftKernel(async () => ({ local: true, id: 'one' })),
    );
  kernelContract('nftables', open);
  trafficContract('this machine', open);
}
