// As many requests as go through: so many workers, each asks anew as soon as it has its answer. A process of its own, so
// that it can live in another network namespace; its options come as JSON, and it prints one JSON document.
import http from 'node:http';
import type { LoopOptions, LoopResult } from './loop.ts';

const { url, workers, keepAlive, warmUpMs, measureMs }: LoopOptions = JSON.parse(process.argv[2] ?? '');
const agent = new http.Agent({ keepAlive, maxSockets: workers });
const begin = performance.now() + warmUpMs;
const end = begin + measureMs;
const versions: Record<string, number> = {};
let failed = 0;

await Promise.all(Array.from({ length: workers }, worker));
const answers = Object.values(versions).reduce((total, count) => total + count, 0);
const result: LoopResult = { perSecond: (answers * 1000) / measureMs, failed, versions: Object.keys(versions) };
console.log(JSON.stringify(result));
agent.destroy();

async function worker(): Promise<void> {
  while (performance.now() < end) {
    const version = await ask();
    const now = performance.now();
    if (now < begin || now >= end) continue;
    if (version === undefined) failed += 1;
    else versions[version] = (versions[version] ?? 0) + 1;
  }
}

function ask(): Promise<string | undefined> {
  return new Promise((resolve) => {
    http
      .get(url, { agent }, (answer) => {
        answer.on('error', () => resolve(undefined));
        answer.resume().on('end', () => resolve(`${answer.headers['x-version']}`));
      })
      .on('error', () => resolve(undefined));
  });
}
