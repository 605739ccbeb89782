import type { Stats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { readText } from '../files/read.ts';

/** Users whose files count: root, the user of this process, and the user behind sudo. */
export function trustedUsers(env: Readonly<Record<string, string | undefined>>, user = process.geteuid?.()): number[] {
  const bySudo = user === 0 && /^\d{1,10}$/.test(env.SUDO_UID ?? '') ? [Number(env.SUDO_UID)] : [];
  return [0, ...(user === undefined ? [] : [user]), ...bySudo];
}

/**
 * Why a file at a usual path must not count: it, or one of its folders, belongs to another user or is writable by one. Undefined
 * if it is safe. Raises the system's errors.
 */
export async function whyUntrusted(file: string, users: readonly number[]): Promise<string | undefined> {
  if (process.platform === 'win32') return undefined;
  const real = await realpath(file);
  for (const one of new Set([real, path.dirname(real), path.dirname(file)])) {
    const stats = await stat(one);
    if (!users.includes(stats.uid)) return `${one} belongs to another user (uid ${stats.uid})`;
    if ((stats.mode & 0o002) !== 0) return `everybody may write to ${one}`;
    if ((stats.mode & 0o020) !== 0 && !(await isOwnGroup(stats)))
      return `a group may write to ${one} (gid ${stats.gid})`;
  }
  return undefined;
}

// Many systems give every user a private group, which may write to the user's files.
async function isOwnGroup({ uid, gid }: Stats): Promise<boolean> {
  if (gid === 0) return true;
  const [users, groups] = await Promise.all(['/etc/passwd', '/etc/group'].map(linesOf));
  const name = users?.find((fields) => fields[2] === `${uid}`)?.[0];
  const group = groups?.find((fields) => fields[2] === `${gid}`);
  if (name === undefined || group === undefined) return false;
  const members = (group[3] ?? '').split(',').filter((member) => member !== '' && member !== name);
  const others = users?.filter((fields) => fields[3] === `${gid}` && fields[2] !== `${uid}`) ?? [];
  return members.length === 0 && others.length === 0;
}

async function linesOf(file: string): Promise<string[][]> {
  const text = await readText(file, { bytes: 16 * 1024 * 1024 }).catch(() => '');
  return text.split('\n').map((line) => line.split(':'));
}
