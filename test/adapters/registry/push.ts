// Images without an engine: a config and a manifest, pushed by HTTP.
import type { Registry } from '../../lab/registry.ts';
import { type Content, image } from './scripted.ts';

/** Pushes an image without layers; another text makes another image. */
export async function pushImage(
  registry: Registry,
  nameAndTag: string,
  text: string,
): Promise<{ digest: string; configDigest: string }> {
  const [name = '', tag = 'latest'] = nameAndTag.split(':');
  const { manifest, config } = image(text);
  await pushBlob(registry, name, config);
  const headers = { 'content-type': manifest.type };
  const { status } = await registry.request('PUT', `/v2/${name}/manifests/${tag}`, { headers, body: manifest.body });
  if (status !== 201) throw new Error(`PUT of ${nameAndTag}: HTTP ${status}`);
  return { digest: manifest.digest, configDigest: config.digest };
}

async function pushBlob(registry: Registry, name: string, { body, digest }: Content): Promise<void> {
  const begun = await registry.request('POST', `/v2/${name}/blobs/uploads/`);
  const location = new URL(String(begun.headers.location), registry.url);
  location.searchParams.set('digest', digest);
  const headers = { 'content-type': 'application/octet-stream' };
  const { status } = await registry.request('PUT', location.pathname + location.search, { headers, body });
  if (status !== 201) throw new Error(`PUT of a blob of ${name}: HTTP ${status}`);
}
