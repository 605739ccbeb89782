// The floor of a check: one HEAD for each URL, 16 at once, and nothing else.
import { readFileSync } from 'node:fs';
import { Agent } from 'undici';

const urls = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const dispatcher = new Agent({ connections: 16 });
const accept = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

const heads = urls.map(async (url) => {
  const { origin, pathname } = new URL(url);
  const { statusCode, body } = await dispatcher.request({
    origin,
    path: pathname,
    method: 'HEAD',
    headers: { accept },
  });
  await body.dump();
  if (statusCode !== 200) throw new Error(`${url}: HTTP ${statusCode}`);
});
await Promise.all(heads);
await dispatcher.close();
