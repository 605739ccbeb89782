// The load client inside a container: for clients that reach the app by a name in a Docker network.
import type Docker from 'dockerode';
import { nodeImage } from './images.ts';
import type { LoadOptions, LoadReport } from './load.ts';
import { eventually } from './waiting.ts';
import type { World } from './world.ts';

export interface LoadInsideOptions extends Omit<LoadOptions, 'resolve' | 'isGood' | 'onVersion'> {
  /** The network that the client lives in. */
  network: string;
  /**
   * Resolve the name for every request and try all its addresses, or with 'in turn' but one of them, the next one each time. Otherwise Node
   * connects by name as it does. Default: true.
   */
  byName?: boolean | 'in turn';
}

export interface LoadInside {
  container: Docker.Container;
  /** Settles once this version has answered. */
  answeredBy(version: string): Promise<void>;
  stop(): Promise<LoadReport>;
}

export async function startLoadInside(world: World, options: LoadInsideOptions): Promise<LoadInside> {
  const { network, byName = true, ...load } = options;
  const container = await world.container(`load-${Date.now().toString(36)}`, {
    image: await nodeImage(world.docker),
    network,
    cmd: ['node', '/app/load.mjs', JSON.stringify({ ...load, byName })],
  });
  const said = async (line: string) => (await output(container)).stderr.split('\n').includes(line);
  await eventually('the load client in its container has begun', () => said('under load'));
  return {
    container,
    async answeredBy(version) {
      await eventually(`the load client has an answer of ${version}`, () => said(`answered by ${version}`));
    },
    async stop() {
      await container.kill({ signal: 'SIGTERM' });
      await container.wait();
      const { stdout, stderr } = await output(container);
      if (!stdout) throw new Error(`the load client said nothing on stdout:\n${stderr}`);
      return JSON.parse(stdout) as LoadReport;
    },
  };
}

/** What a container without a terminal has written so far. */
export async function output(container: Docker.Container): Promise<{ stdout: string; stderr: string }> {
  const frames = await container.logs({ stdout: true, stderr: true, follow: false });
  const parts: Record<1 | 2, Buffer[]> = { 1: [], 2: [] };
  // Eight bytes before every piece: the stream's number, three zeros, and the length.
  for (let at = 0; at + 8 <= frames.length; ) {
    const length = frames.readUInt32BE(at + 4);
    const stream = frames[at] === 2 ? 2 : 1;
    parts[stream].push(frames.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return { stdout: String(Buffer.concat(parts[1])), stderr: String(Buffer.concat(parts[2])) };
}
