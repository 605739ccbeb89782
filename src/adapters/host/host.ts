import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Call } from '../../core/update/helper.ts';
import type { Host } from '../../ports/host.ts';
import { readText } from '../files/read.ts';

/**
 * This process and machine. A holder is `host boot-id pid-namespace pid start-time`: the boot id distinguishes machines (and
 * boots), the namespace containers, the start time a reused pid (proc(5)).
 */
export function systemHost({ options, ...outside }: Pick<Host, 'logins' | 'isTrusted'> & Pick<Call, 'options'>): Host {
  const place = placeOfThisProcess();
  const holder = `${hostname()} ${place} ${process.pid} ${startTime(process.pid) ?? '-'}`;
  return {
    ...outside,
    holder,
    isAlive: (other) => isAlive(other, place),
    containerId: ownContainer(),
    call: { program: [process.execPath, process.argv[1] ?? ''], args: process.argv.slice(2), options },
    sha256: (text) => createHash('sha256').update(text).digest('hex'),
    randomId: () => randomBytes(6).toString('hex'),
    readYaml,
  };
}

/** Absolute paths of node and of its program, without links that may change. */
export function thisProgram(): [node: string, program: string] {
  return [process.execPath, realpathSync(process.argv[1] ?? '')];
}

/** The name of this machine (or container). */
export function machineName(): string {
  return hostname();
}

function isAlive(holder: string, place: string): boolean | undefined {
  const [, bootId, namespace, pid, started] = holder.split(' ');
  if (`${bootId} ${namespace}` !== place || pid === undefined) return undefined;
  const now = startTime(Number(pid));
  return now !== undefined && now === started;
}

function placeOfThisProcess(): string {
  const bootId = textOf('/proc/sys/kernel/random/boot_id')?.trim() ?? `no-boot-id-${hostname()}`;
  return `${bootId} ${linkOf('/proc/self/ns/pid') ?? '-'}`;
}

// Field 22 of /proc/PID/stat; the command in field 2 may hold spaces, so count from its closing parenthesis. A zombie (state Z)
// has one, too, perhaps for ever.
function startTime(pid: number): string | undefined {
  const stat = textOf(`/proc/${pid}/stat`) ?? '';
  const [state = '', ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return /[ZXx]/.test(state) ? undefined : fields[18];
}

/** Id of the container that this process runs in; undefined outside of one. */
export function ownContainer(): string | undefined {
  // The engine mounts files of its own into each container; their source path contains the container's id.
  const mounts = textOf('/proc/self/mountinfo') ?? '';
  return /\/containers\/([0-9a-f]{64})\/(hostname|resolv\.conf|hosts)\b/.exec(mounts)?.[1];
}

async function readYaml(path: string): Promise<unknown> {
  const { load } = await import('js-yaml');
  try {
    return load(await readText(path));
  } catch {
    return undefined;
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
