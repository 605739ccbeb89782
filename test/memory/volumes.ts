// Volumes, and the files in them and in containers.
import type { Volume } from '../../src/core/model/volume.ts';
import type { Engine } from '../../src/ports/engine.ts';
import { type Box, boxOf, type Machine, mustBox, newId, refuse, type StoredVolume } from './machine.ts';

/** A volume of that name, made if it is not there. */
export function volumeNamed(machine: Machine, name: string, anonymous = false): StoredVolume {
  const volume = machine.volumes.get(name) ?? { name, labels: {}, anonymous, files: new Map<string, string>() };
  machine.volumes.set(name, volume);
  return volume;
}

export function anonymousVolume(machine: Machine): StoredVolume {
  return volumeNamed(machine, newId(machine, 'f'), true);
}

type Calls =
  | 'volumes'
  | 'volume'
  | 'createVolume'
  | 'removeVolume'
  | 'volumeSizes'
  | 'hasPath'
  | 'copyFolder'
  | 'folderSize'
  | 'changes'
  | 'copy'
  | 'unpack';

export function volumeCalls(machine: Machine): Pick<Engine, Calls> {
  return {
    volumes: async (label) => [...machine.volumes.values()].filter((one) => bears(one, label)).map(shown),
    volume: async (name) => {
      const found = machine.volumes.get(name);
      return found && shown(found);
    },
    createVolume: async (name, labels) => createVolume(machine, name, labels),
    removeVolume: async (name) => removeVolume(machine, name),
    volumeSizes: async () => new Map([...machine.volumes].map(([name, { files }]) => [name, sizeOf(files, '').bytes])),
    hasPath: async (id, path) => {
      const box = boxOf(machine, id);
      return box !== undefined && hasPath(machine, box, path);
    },
    copyFolder: (from, into) => copyFolder(machine, from, into),
    folderSize: async (id, path) => {
      const { files, inside } = folderOf(machine, mustBox(machine, id), path);
      return sizeOf(files, inside);
    },
    changes: async (id) => [...mustBox(machine, id).files.keys()],
    copy: async (from, to, path) => {
      const source = placeOf(machine, mustBox(machine, from), path);
      const text = source.files.get(source.inside);
      if (text === undefined) return false;
      const target = placeOf(machine, mustBox(machine, to), path);
      target.files.set(target.inside, text);
      return true;
    },
    unpack: async (id, archive) => {
      const box = mustBox(machine, id);
      for (const [path, text] of await unpacked(archive)) {
        const { files, inside } = placeOf(machine, box, path);
        files.set(inside, text);
      }
    },
  };
}

function bears({ labels }: StoredVolume, label: string): boolean {
  const at = label.indexOf('=');
  return labels[label.slice(0, at)] === label.slice(at + 1);
}

function shown({ name, labels }: StoredVolume): Volume {
  return { name, labels };
}

function createVolume(machine: Machine, name: string, labels: Record<string, string>): void {
  const there = machine.volumes.get(name);
  if (!there) return void machine.volumes.set(name, { name, labels, anonymous: false, files: new Map() });
  const same = Object.entries(labels).every(([key, value]) => there.labels[key] === value);
  if (!same) refuse(409, `there is a volume ${name} already, and swapctl did not make it`);
}

/** Removes a volume. Raises a 409 while a container mounts it. */
export function removeVolume(machine: Machine, name: string): void {
  const used = [...machine.boxes.values()].find(({ mounts }) => mounts.some((mount) => mount.name === name));
  if (used) refuse(409, `remove ${name}: volume is in use - [${used.id}]`);
  machine.volumes.delete(name);
}

/** The real place of a container's path: in a volume, or in its own layer. */
function placeOf(machine: Machine, box: Box, path: string): { files: Map<string, string>; inside: string } {
  const mount = box.mounts.find(({ target }) => path === target || path.startsWith(`${target}/`));
  const volume = mount && machine.volumes.get(mount.name);
  if (!mount || !volume) return { files: box.files, inside: path };
  return { files: volume.files, inside: path.slice(mount.target.length + 1) };
}

const IN_EVERY_IMAGE = new Set(['/bin/sh', '/bin/rm', '/bin', '/etc']);

function hasPath(machine: Machine, box: Box, path: string): boolean {
  const { files, inside } = placeOf(machine, box, path);
  const found = [...files.keys()].some((file) => file === inside || file.startsWith(`${inside}/`));
  return found || (files === box.files && IN_EVERY_IMAGE.has(path)) || (files !== box.files && inside === '');
}

function folderOf(machine: Machine, box: Box, path: string): ReturnType<typeof placeOf> {
  if (hasPath(machine, box, path)) return placeOf(machine, box, path);
  return refuse(404, `Could not find the file ${path} in container ${box.id}`);
}

/** The size of a folder (`inside`) of a volume: the bytes of its files, and the number of files and folders. */
export function sizeOf(files: ReadonlyMap<string, string>, inside: string): { bytes: number; files: number } {
  const start = inside === '' ? '' : `${inside}/`;
  const entries = new Set<string>();
  let bytes = 0;
  for (const [path, text] of files) {
    if (!path.startsWith(start)) continue;
    bytes += Buffer.byteLength(text);
    const parts = path.slice(start.length).split('/');
    for (let depth = 1; depth <= parts.length; depth++) entries.add(parts.slice(0, depth).join('/'));
  }
  return { bytes, files: entries.size };
}

// One file at a time, so that a death in the middle leaves half of it.
async function copyFolder(
  machine: Machine,
  from: { container: string; path: string },
  into: { container: string; path: string },
): Promise<{ bytes: number; files: number }> {
  const source = folderOf(machine, mustBox(machine, from.container), from.path);
  const name = from.path.split('/').at(-1) ?? '';
  const target = placeOf(machine, mustBox(machine, into.container), `${into.path}/${name}`);
  const start = source.inside === '' ? '' : `${source.inside}/`;
  const size = sizeOf(source.files, source.inside);
  for (const [path, text] of [...source.files]) {
    if (!path.startsWith(start)) continue;
    target.files.set(`${target.inside === '' ? '' : `${target.inside}/`}${path.slice(start.length)}`, text);
    await machine.clock.sleep(1);
  }
  return size;
}

async function unpacked(archive: AsyncIterable<Uint8Array>): Promise<[path: string, text: string][]> {
  const { extract } = await import('tar-stream');
  const { Readable } = await import('node:stream');
  const found: [string, string][] = [];
  for await (const entry of Readable.from(archive, { objectMode: false }).pipe(extract())) {
    let text = '';
    for await (const chunk of entry) text += chunk;
    if (entry.header.type === 'file') found.push([`/${entry.header.name.replace(/^\/+/, '')}`, text]);
  }
  return found;
}
