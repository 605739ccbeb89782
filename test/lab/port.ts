// Ports for the servers that tests start.
import net, { type AddressInfo } from 'node:net';
import { eventually } from './waiting.ts';

export async function freePort(address = '127.0.0.1'): Promise<number> {
  const server = net.createServer().listen(0, address);
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Waits until something listens there; false if `goOn` says that it never will. */
export async function accepts(address: string, port: number, goOn: () => boolean = () => true): Promise<boolean> {
  const decided = async () => ((await connects(address, port)) ? 'listens' : !goOn() && 'gone');
  return (await eventually(`something listens at ${address}:${port}`, decided)) === 'listens';
}

function connects(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, address);
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.on('connect', () => end(true)).on('error', () => end(false));
  });
}
