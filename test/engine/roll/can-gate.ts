// True: swapctl can change rules in the network namespaces of an engine's containers.

import { kernelLayer } from '../../../src/app/traffic/kernel-layer.ts';
import type { Ports } from '../../../src/ports/ports.ts';

// Without it, a connection that the kernel has made but the old app has not accepted is reset when that app stops.
export const NEEDS_NFT = 'needs nft, in the network namespace of the engine';
export const canGate = async (ports: Ports) => (await kernelLayer(ports)).available;
