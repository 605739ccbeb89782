// The layer with node in it takes an engine some seconds to compress, and every registry of a test is empty at first. So what
// an engine has compressed once in a run of `npm test` is kept, and offered to a registry before that engine pushes: it finds
// its blob there, and sends none. An engine that doesn't know the blob as its own just pushes as ever.
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type Docker from 'dockerode';
import type { Registry } from './registry.ts';

const WORTH_KEEPING_BYTES = 1_000_000;
/** Of one image: an engine pushes no other. */
const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json';

/** Uploads what is kept of an image's layers into the repository `name`. */
export async function offerLayers(registry: Registry, docker: Docker, image: string, name: string): Promise<void> {
  const folder = await folderOf(docker);
  if (!folder || !existsSync(folder)) return;
  const wanted = (await layersOf(docker, image)).map(hex);
  for (const file of readdirSync(folder)) {
    const [layer = '', blob = ''] = file.split('-');
    if (wanted.includes(layer) && !(await hasBlob(registry, name, blob)))
      await upload(registry, name, blob, readFileSync(path.join(folder, file)));
  }
}

/** Keeps the large layers of what was pushed as `name:tag`. */
export async function keepLayers(registry: Registry, docker: Docker, image: string, reference: string): Promise<void> {
  const [name, tag] = reference.split(':');
  const folder = await folderOf(docker);
  if (!folder) return;
  const answer = await registry.request('GET', `/v2/${name}/manifests/${tag}`, { headers: { accept: MANIFEST } });
  const { layers = [] } = JSON.parse(String(answer.body)) as { layers?: { digest: string; size: number }[] };
  const diffs = await layersOf(docker, image);
  for (const [at, { digest, size }] of layers.entries()) {
    const file = path.join(folder, `${hex(diffs[at])}-${hex(digest)}`);
    if (size < WORTH_KEEPING_BYTES || existsSync(file)) continue;
    const { body } = await registry.request('GET', `/v2/${name}/blobs/${digest}`);
    mkdirSync(folder, { recursive: true });
    // Whole or not at all: another test may look for it, or do the same, at this moment.
    const part = path.join(folder, `part.${randomUUID()}`);
    writeFileSync(part, body);
    renameSync(part, file);
  }
}

// Engines compress differently, so the same layer is another blob to each. A single file by hand keeps nothing.
async function folderOf(docker: Docker): Promise<string | undefined> {
  const shared = process.env.SWAPCTL_TEST_FOLDER;
  return shared && path.join(shared, `layers-${(await docker.version()).Version}`);
}

async function layersOf(docker: Docker, image: string): Promise<string[]> {
  return (await docker.getImage(image).inspect()).RootFS?.Layers ?? [];
}

async function hasBlob(registry: Registry, name: string, blob: string): Promise<boolean> {
  return (await registry.request('HEAD', `/v2/${name}/blobs/sha256:${blob}`)).status === 200;
}

/** The OCI distribution specification's upload in a single request. */
async function upload(registry: Registry, name: string, blob: string, body: Buffer): Promise<void> {
  const begun = await registry.request('POST', `/v2/${name}/blobs/uploads/`);
  const target = new URL(String(begun.headers.location), registry.url);
  target.searchParams.set('digest', `sha256:${blob}`);
  const headers = { 'content-type': 'application/octet-stream', 'content-length': String(body.length) };
  const { status } = await registry.request('PUT', target.pathname + target.search, { headers, body });
  if (status !== 201) throw new Error(`PUT of a blob into ${name}: HTTP ${status}`);
}

const hex = (digest = ''): string => digest.replace('sha256:', '');
