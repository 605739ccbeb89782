// Who answers, asked by connections of their own: one that is kept would have to be drained.
import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { SAFETY_NET_MS } from '../test/lab/waiting.ts';

/** Resolves once a new connection is answered by this version. */
export async function untilVersion(url: string, version: string): Promise<void> {
  const deadline = performance.now() + SAFETY_NET_MS;
  while ((await answering(url)) !== version) {
    if (performance.now() > deadline) throw new Error(`version ${version} never answered at ${url}`);
    await sleep(20);
  }
}

function answering(url: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: 2000 }, (answer) => {
      answer
        .resume()
        .on('end', () => resolve(answer.statusCode === 200 ? `${answer.headers['x-version']}` : undefined));
      answer.on('error', () => resolve(undefined));
    });
    request.on('timeout', () => request.destroy()).on('error', () => resolve(undefined));
  });
}
