import type Dockerode from 'dockerode';
import { EngineError } from '../../../core/model/engine-error.ts';
import { statusOf } from '../calls/error.ts';
import { flowing, type Streamed } from '../calls/patience.ts';

// POSIX ustar: the offsets of header fields.
const HEADER = 512;
const NAME = { at: 0, length: 100 };
const SIZE = { at: 124, length: 12 };
const CHECKSUM = { at: 148, length: 8 };
const TYPE_AT = 156;
const PREFIX = { at: 345, length: 155 };

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
  const file = archive && regularFile(archive);
  if (!file) return false;
  await docker.getContainer(to).putArchive(renamed(file, path.replace(/^\/+/, '')), { path: '/' });
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

// The archive from the header of its file on; undefined if it holds no file, but a folder, say. Type "0" (or NUL, in old
// archives) is a regular file; "x" and "g" are extended headers before it.
function regularFile(archive: Buffer): Buffer | undefined {
  let at = 0;
  while ('xg'.includes(String.fromCharCode(archive[at + TYPE_AT] ?? 0))) at += HEADER + padded(sizeAt(archive, at));
  const type = archive[at + TYPE_AT];
  return type === 0 || type === '0'.charCodeAt(0) ? archive.subarray(at) : undefined;
}

function sizeAt(archive: Buffer, at: number): number {
  return Number.parseInt(archive.toString('latin1', at + SIZE.at, at + SIZE.at + SIZE.length), 8) || 0;
}

function padded(size: number): number {
  return Math.ceil(size / HEADER) * HEADER;
}

function renamed(archive: Buffer, path: string): Buffer {
  const { prefix, name } = splitPath(path);
  const copy = Buffer.from(archive);
  copy.fill(0, NAME.at, NAME.at + NAME.length).write(name, NAME.at);
  copy.fill(0, PREFIX.at, PREFIX.at + PREFIX.length).write(prefix, PREFIX.at);
  copy.fill(' ', CHECKSUM.at, CHECKSUM.at + CHECKSUM.length);
  const sum = copy.subarray(0, HEADER).reduce((total, byte) => total + byte, 0);
  copy.write(`${sum.toString(8).padStart(6, '0')}\0 `, CHECKSUM.at);
  return copy;
}

// A path of more than 100 bytes goes into two fields, split at a slash.
function splitPath(path: string): { prefix: string; name: string } {
  if (Buffer.byteLength(path) <= NAME.length) return { prefix: '', name: path };
  const slashes = [...path.matchAll(/\//g)].map((match) => match.index);
  const parts = slashes.map((at) => ({ prefix: path.slice(0, at), name: path.slice(at + 1) }));
  const fitting = parts.find(
    ({ prefix, name }) => Buffer.byteLength(prefix) <= PREFIX.length && Buffer.byteLength(name) <= NAME.length,
  );
  if (!fitting) throw new EngineError(400, `${path} is too long a path for a tar header`);
  return fitting;
}
