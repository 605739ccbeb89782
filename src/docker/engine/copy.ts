import type Dockerode from 'dockerode';
import { EngineError } from '../../core/engine-error.ts';
import { statusOf } from './error.ts';

const HEADER = 512;
const MOST_BYTES = 8 * 1024 * 1024;
const NAME = { at: 0, length: 100 };
const CHECKSUM = { at: 148, length: 8 };
const TYPE_AT = 156;

/**
 * Copies one regular file from a container into another by the archive calls of the Engine API. It is unpacked at the
 * root under its whole path, so that folders which the image lacks are made. Resolves with false where there is no such
 * file.
 */
export async function copyFile(docker: Dockerode, from: string, to: string, path: string): Promise<boolean> {
  const archive = await fetchArchive(docker, from, path);
  if (!archive || !isRegularFile(archive)) return false;
  await docker.getContainer(to).putArchive(renamed(archive, path.replace(/^\/+/, '')), { path: '/' });
  return true;
}

async function fetchArchive(docker: Dockerode, id: string, path: string): Promise<Buffer | undefined> {
  try {
    const stream = (await docker.getContainer(id).getArchive({ path })) as AsyncIterable<Buffer>;
    return await collected(stream, path);
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

async function collected(stream: AsyncIterable<Buffer>, path: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MOST_BYTES) throw new EngineError(413, `${path} is larger than a config or secret is expected to be`);
  }
  return Buffer.concat(chunks);
}

// POSIX ustar: type "0" (or NUL, from before it had a name) is a regular file.
function isRegularFile(archive: Buffer): boolean {
  const type = archive[TYPE_AT];
  return archive.length >= HEADER && (type === 0 || type === '0'.charCodeAt(0));
}

function renamed(archive: Buffer, name: string): Buffer {
  if (Buffer.byteLength(name) >= NAME.length) throw new EngineError(400, `${name} is too long a path for a tar header`);
  const copy = Buffer.from(archive);
  copy.fill(0, NAME.at, NAME.at + NAME.length).write(name, NAME.at);
  copy.fill(' ', CHECKSUM.at, CHECKSUM.at + CHECKSUM.length);
  const sum = copy.subarray(0, HEADER).reduce((total, byte) => total + byte, 0);
  copy.write(`${sum.toString(8).padStart(6, '0')}\0 `, CHECKSUM.at);
  return copy;
}
