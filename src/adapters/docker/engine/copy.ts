import { buffer } from 'node:stream/consumers';
import type Dockerode from 'dockerode';
import { extract, type Header, pack } from 'tar-stream';
import { statusOf } from '../calls/error.ts';
import { flowing, type Streamed } from '../calls/timeouts.ts';

const MOST_BYTES = 8 * 1024 * 1024;

/**
 * Copies one regular file from a container into another with the archive calls of the Engine API. It is unpacked at the root
 * under its whole path, which creates folders that the image lacks. Resolves with false if there is no such file, or one much
 * larger than a config or secret.
 */
export async function copyFile(
  docker: Dockerode,
  from: string,
  to: string,
  path: string,
  idleMs: number,
): Promise<boolean> {
  const archive = await fetchArchive(docker, from, path, idleMs);
  const file = archive && (await regularFile(archive));
  if (!file) return false;
  await docker.getContainer(to).putArchive(await packed(file, path.replace(/^\/+/, '')), { path: '/' });
  return true;
}

async function fetchArchive(docker: Dockerode, id: string, path: string, idleMs: number): Promise<Buffer | undefined> {
  try {
    const archive = (await docker.getContainer(id).getArchive({ path })) as unknown as Streamed;
    return await collected(flowing(archive, idleMs));
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

async function collected(stream: AsyncIterable<Buffer>): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    size += chunk.length;
    // Leaving the loop ends the transfer.
    if (size > MOST_BYTES) return undefined;
  }
  return Buffer.concat(chunks);
}

interface File {
  readonly header: Header;
  readonly content: Buffer;
}

// Undefined if the archive holds a folder, say.
async function regularFile(archive: Buffer): Promise<File | undefined> {
  const entries = extract();
  entries.end(archive);
  for await (const entry of entries) {
    const { header } = entry;
    return header.type === 'file' ? { header, content: await buffer(entry) } : undefined;
  }
  return undefined;
}

// The same file with its owner, mode and time under another name; pax records would bring back the old name.
async function packed({ header, content }: File, name: string): Promise<Buffer> {
  const archive = pack();
  archive.entry({ ...header, name, pax: null }, content);
  archive.finalize();
  return buffer(archive);
}
