// One TCP connection from another network namespace: which server it leads to, and whether it still does later.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { APP_PORT } from './images.ts';
import type { World } from './world.ts';

export interface Connection {
  /** The version that answered it, or the error that ended it. */
  version: Promise<string>;
  /** What its server sends back of a word. */
  echo(word: string): Promise<string>;
  close(): void;
}

const SCRIPT = `
const [address, port] = process.argv.slice(1);
const socket = require('node:net').connect(port, address);
const end = (line) => { console.log(line); process.exit(); };
socket.on('error', (error) => end(error.code)).on('end', () => end('closed'));
socket.once('data', (head) => {
  console.log(/^x-version: (.*)$/im.exec(head)[1]);
  socket.on('data', (word) => console.log(String(word)));
});
socket.write('GET / HTTP/1.1\\r\\nhost: web\\r\\nconnection: upgrade\\r\\nupgrade: echo\\r\\n\\r\\n');
process.stdin.on('data', (word) => socket.write(word));
`;

/** Connects in a network namespace; `enter`: the command that enters it. Its kernel sends SYNs until one is answered. */
export function connectFrom(
  world: World,
  enter: readonly string[],
  address: string,
  port: number = APP_PORT,
): Connection {
  const [program = '', ...args] = [...enter, process.execPath, '--eval', SCRIPT, address, String(port)];
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  world.after(async () => void child.kill('SIGKILL'));
  child.stdin.on('error', () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => (await lines.next()).value ?? 'ended';
  const version = line();
  return {
    version,
    async echo(word) {
      await version;
      child.stdin.write(word);
      return line();
    },
    close: () => void child.kill('SIGKILL'),
  };
}
