// The contract of the Host port on a process in memory and on this one, which needs only Linux.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test, { type TestContext } from 'node:test';
import { systemHost } from '../../src/adapters/host/host.ts';
import { virtualClock } from '../memory/clock.ts';
import { newRemote } from '../memory/images.ts';
import { newRules } from '../memory/kernel.ts';
import { BEGIN, newMachine } from '../memory/machine.ts';
import { openProcess, type Place } from '../memory/process.ts';
import { hostContract, NOT_MODELLED, type Stage } from './process.ts';

function inMemory(): Stage {
  const machine = newMachine(virtualClock(BEGIN));
  const rules = newRules(true);
  const place: Place = { machine, remote: newRemote(), rules, living: new Set(), yaml: undefined, count: 0 };
  return {
    host: openProcess(place).ports.host,
    another: async () => {
      const other = openProcess(place);
      return { holder: other.ports.host.holder, end: async () => other.kill() };
    },
    elsewhere: () => openProcess(place, { remote: true }).ports.host.holder,
  };
}

const HOST = new URL('../../src/adapters/host/host.ts', import.meta.url).href;
const OUTSIDE = { logins: async () => [], isTrusted: async () => false, options: [] };
const PRINTS_ITS_HOLDER = `
  const { systemHost } = await import(${JSON.stringify(HOST)});
  console.log(systemHost({ options: [] }).holder);
  process.stdin.resume();
`;

function here(t: TestContext): Stage {
  const host = systemHost(OUTSIDE);
  return {
    host,
    another: async () => {
      const args = ['--import=tsx', '--input-type=module', '--eval', PRINTS_ITS_HOLDER];
      const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
      t.after(() => void child.kill('SIGKILL'));
      const [line] = await once(child.stdout, 'data');
      const ended = once(child, 'exit');
      const end = async (): Promise<void> => {
        child.kill('SIGKILL');
        await ended;
      };
      return { holder: String(line).trim(), end };
    },
    elsewhere: () => host.holder.replace(/ [0-9a-f-]{36} /, ' 00000000-0000-0000-0000-000000000000 '),
  };
}

hostContract('in memory', inMemory);
hostContract('this process', here, process.platform !== 'linux' && 'needs Linux');

test('what a process in memory does not model is written down', (t) => {
  for (const line of NOT_MODELLED) t.diagnostic(`not modelled: ${line}`);
});
