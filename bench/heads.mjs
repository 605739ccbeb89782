// The floor of a check: one HEAD for each URL, 16 at once, and nothing else.
import { Agent } from 'undici';

const accept = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

export async function heads(urls) {
  const dispatcher = new Agent({ connections: 16 });
  const asked = urls.map(async (url) => {
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
  await Promise.all(asked);
  await dispatcher.close();
}
