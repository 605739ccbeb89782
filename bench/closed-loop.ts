// As many requests as go through: so many workers, each asks anew as soon as it has its answer. A process of its own, so
// that it can live in another network namespace; its options come as JSON, and it prints one JSON document.
import http from 'node:http';
import type { LoopOptions, LoopResult } from './loop.ts';

// A slice begins with a time that does not count, for what is under way to the other url to end.
const UNCOUNTED_MS = 100;
const COUNTED_MS = 400;
// The first and the second url in this order, so that a machine which gets slower harms neither.
const ORDER = [0, 1, 1, 0] as const;

const { urls, workers, keepAlive, turns }: LoopOptions = JSON.parse(process.argv[2] ?? '');
const agent = new http.Agent({ keepAlive, maxSockets: workers });
const answers = [0, 0] as [number, number];
const versions = new Set<string>();
let failed = 0;

for (let turn = 0; turn < turns; turn++) {
  for (const which of ORDER) await slice(which);
}
agent.destroy();
const counted = (turns * 2 * COUNTED_MS) / 1000;
const perSecond = answers.map((count) => count / counted) as [number, number];
const result: LoopResult = { perSecond, failed, versions: [...versions] };
console.log(JSON.stringify(result));

async function slice(which: 0 | 1): Promise<void> {
  const begin = performance.now() + UNCOUNTED_MS;
  const end = begin + COUNTED_MS;
  const work = async () => {
    while (performance.now() < end) {
      const version = await ask(urls[which]);
      const now = performance.now();
      if (version === undefined) failed += 1;
      else if (now >= begin && now < end) answers[which] += 1;
      if (version !== undefined && which === 0) versions.add(version);
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
}

function ask(url: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    http
      .get(url, { agent }, (answer) => {
        answer.on('error', () => resolve(undefined));
        answer.resume().on('end', () => resolve(`${answer.headers['x-version']}`));
      })
      .on('error', () => resolve(undefined));
  });
}
