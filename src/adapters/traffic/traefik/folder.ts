import { load } from 'js-yaml';
import { fail } from '../../../core/model/error.ts';
import type { ProxyAccess } from '../../../ports/proxy-access.ts';
import { broken, fileNameOf, servicesIn } from './service-file.ts';

/**
 * Raises `proxy-config` for what keeps Traefik from taking a change: one broken file of the folder, and a service that two files
 * define. Templates are Traefik's own matter.
 */
export async function checkFolder(access: ProxyAccess, folder: string, signal: AbortSignal): Promise<void> {
  const names = await access.list(folder, signal);
  if (names === undefined) return noFolder(folder);
  const definedIn = new Map<string, string>();
  for (const name of names.filter((one) => /\.ya?ml$/.test(one))) {
    for (const service of await servicesOf(access, folder, name, signal)) {
      const other = definedIn.get(service);
      const isOurs = [name, other].includes(fileNameOf(service));
      if (other !== undefined && isOurs) twice(service, [other, name]);
      definedIn.set(service, name);
    }
  }
}

async function servicesOf(access: ProxyAccess, folder: string, name: string, signal: AbortSignal): Promise<string[]> {
  const text = (await access.read(`${folder}/${name}`, signal)) ?? '';
  if (text.includes('{{')) return [];
  try {
    const document = load(text);
    const empty = emptyPart(document);
    if (empty !== undefined) throw new Error(`${empty} is empty, which Traefik refuses`);
    return Object.keys(servicesIn(document));
  } catch (error) {
    return broken(name, error);
  }
}

/** A part of the two upper levels without anything in it. */
function emptyPart(value: unknown, name = '', levels = 2): string | undefined {
  if (typeof value !== 'object' || value === null || levels < 0) return undefined;
  const parts = Object.entries(value);
  if (parts.length === 0) return name === '' ? undefined : name;
  return parts.map(([key, part]) => emptyPart(part, key, levels - 1)).find((found) => found !== undefined);
}

function noFolder(folder: string): never {
  return fail('proxy-config', `Traefik has no folder ${folder} for its file provider`, {
    hint: 'set providers.file.directory in the static configuration, and mount that folder (not a file of it)',
  });
}

function twice(service: string, files: readonly string[]): never {
  return fail('proxy-config', `two of Traefik's files define the service ${service}: ${files.join(' and ')}`, {
    hint: `leave it in ${fileNameOf(service)} alone: Traefik takes one of them and skips the other`,
  });
}
