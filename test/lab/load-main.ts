// The load client as a process of its own: bundled into the node image as /app/load.mjs, for clients inside a network.
//
//   node /app/load.mjs '{"url":"http://web:8080/","ratePerSecond":50,"byName":true}'
//
// It prints its report as JSON when it gets SIGTERM, and on stderr each version at its first answer. With byName the name is resolved for
// every request, and 'in turn' tries but one of its addresses, the next one for each request, as a proxy that balances over them without a retry.
import dns from 'node:dns/promises';
import { type LoadOptions, startLoad } from './load.ts';

const { byName, ...options }: LoadOptions & { byName?: boolean | 'in turn' } = JSON.parse(process.argv[2] ?? '');

async function addressesOf(name: string): Promise<string[]> {
  const found = await dns.lookup(name, { all: true, family: 4 });
  return found.map(({ address }) => address);
}

let turn = 0;

async function nextAddressOf(name: string): Promise<string[]> {
  const all = (await addressesOf(name)).sort();
  return all.slice(turn++ % all.length).slice(0, 1);
}

const { hostname } = new URL(options.url);
const resolve = () => (byName === 'in turn' ? nextAddressOf(hostname) : addressesOf(hostname));
const load = startLoad({
  ...options,
  ...(byName && { resolve }),
  onVersion: (version) => console.error(`answered by ${version}`),
});

process.on('SIGTERM', async () => {
  const report = await load.stop();
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
});
console.error('under load');
