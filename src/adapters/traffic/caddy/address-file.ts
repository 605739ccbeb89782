import path from 'node:path';
import { fail } from '../../../core/model/error.ts';
import type { Server, Wanted } from '../../../core/proxy/route.ts';
import type { ProxyAccess } from '../../../ports/proxy-access.ts';
import type { AddressFile } from './handlers.ts';

// Linux refuses a connection to the broadcast address at once, so Caddy tries again until lb_try_duration is over.
const NOWHERE = '255.255.255.255';

/** The file beside an address file during a roll. */
export interface FileState {
  /** The text of the address file; undefined if there is none. */
  readonly text: string | undefined;
  readonly overlay?: FileOverlay;
}

export interface FileOverlay {
  readonly wanted: Exclude<Wanted, { kind: 'baseline' }>;
  /** The text that the owner of the file wrote. */
  readonly baseline: string;
}

export async function readState(access: ProxyAccess, file: AddressFile, signal: AbortSignal): Promise<FileState> {
  const [text, kept] = await Promise.all([access.read(file.path, signal), access.read(keptBeside(file), signal)]);
  return { text, ...(kept !== undefined && { overlay: parseOverlay(kept, file) }) };
}

/** True if the file, which has room for one server, can name all servers that get requests. */
export function fits({ port }: AddressFile, wanted: Wanted): boolean {
  if (wanted.kind !== 'servers') return true;
  const ready = wanted.servers.filter(({ state }) => state === 'ready');
  return ready.length === 1 && ready.every(({ address }) => port === undefined || address.endsWith(`:${port}`));
}

/** Points the file to the one ready server, or nowhere. The note on the roll is there before the file changes. */
export async function writeOverlay(
  access: ProxyAccess,
  file: AddressFile,
  wanted: FileOverlay['wanted'],
  signal: AbortSignal,
): Promise<void> {
  const { text, overlay } = await readState(access, file, signal);
  const baseline = overlay?.baseline ?? text ?? missing(file);
  const note = `${JSON.stringify({ wanted, baseline }, undefined, 2)}\n`;
  if (note !== (await access.read(keptBeside(file), signal))) await access.write(keptBeside(file), note, signal);
  const next = textFor(file, wanted);
  if (next !== text) await access.write(file.path, next, signal);
}

/** Gives the file back the text of its owner, then removes the note. */
export async function restoreBaseline(access: ProxyAccess, file: AddressFile, signal: AbortSignal): Promise<void> {
  const { text, overlay } = await readState(access, file, signal);
  if (overlay === undefined) return;
  if (text !== overlay.baseline) await access.write(file.path, overlay.baseline, signal);
  await access.remove(keptBeside(file), signal);
}

/** The servers of an overlay as the file has them: the one that it names is ready, whatever the note says. */
export function serversBy(file: AddressFile, { text, overlay }: FileState): readonly Server[] {
  const named = addressIn(file, text ?? '');
  if (overlay === undefined) return [{ address: named, state: 'ready', weight: 1 }];
  const told = overlay.wanted.servers.map((server) => ({ ...server, state: stateOf(server, named) }));
  const isElse = !named.startsWith(`${NOWHERE}:`) && told.every(({ address }) => address !== named);
  return isElse ? [...told, { address: named, state: 'ready', weight: 1 }] : told;
}

function stateOf({ address, state }: Server, named: string): Server['state'] {
  if (address === named) return 'ready';
  return state === 'ready' ? 'off' : state;
}

/** An address as requests go to it, from the text of the file. */
export function addressIn({ port }: AddressFile, text: string): string {
  return port === undefined ? text.trim() : `${text.trim()}:${port}`;
}

function textFor(file: AddressFile, wanted: FileOverlay['wanted']): string {
  if (wanted.kind === 'held') return file.port === undefined ? `${NOWHERE}:1` : NOWHERE;
  const address = wanted.servers.find(({ state }) => state === 'ready')?.address ?? '';
  return file.port === undefined ? address : address.slice(0, -file.port.length - 1);
}

function keptBeside({ path: file }: AddressFile): string {
  return path.posix.join(path.posix.dirname(file), `${path.posix.basename(file, '.addr')}.roll`);
}

function parseOverlay(text: string, file: AddressFile): FileOverlay {
  try {
    const overlay: FileOverlay = JSON.parse(text);
    if (typeof overlay.baseline === 'string' && Array.isArray(overlay.wanted.servers)) return overlay;
  } catch {
    // Reported below.
  }
  return fail('proxy-config', `${keptBeside(file)}, swapctl's note on a roll, is damaged`, {
    hint: `write the service's own name into ${file.path}, then remove ${keptBeside(file)}`,
  });
}

function missing({ path: file }: AddressFile): never {
  return fail('proxy-config', `Caddy reads ${file}, and there is no such file`, {
    hint: 'write the name of the service into it; `swapctl proxy init` prints how',
  });
}
