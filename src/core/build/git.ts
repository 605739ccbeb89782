import { fail } from '../model/error.ts';

/** The source of a build: a branch (or tag) of a repository, and a folder in it. */
export interface GitSource {
  /** The address of the repository, without a password or token. */
  readonly url: string;
  /** The login for HTTP, if the URL had one; never print it. */
  readonly login: GitLogin | undefined;
  /** A branch, a tag, a full reference (`refs/…`) or a whole commit id; undefined: what the repository's HEAD names. */
  readonly ref: string | undefined;
  /** The folder to build; undefined: the whole repository. */
  readonly folder: string | undefined;
}

export interface GitLogin {
  readonly username: string;
  readonly password: string;
}

const LIKE = 'write it like https://git.example.org/me/shop.git#main:web, or git@git.example.org:me/shop.git';
const SCHEMES = new Set(['https:', 'http:', 'ssh:', 'git:', 'file:']);
// user@host:path, which is no URL; ssh would read a host that starts with `-` as an option.
const SCP_LIKE = /^[A-Za-z0-9_][\w.-]*@[A-Za-z0-9[][\w.:[\]-]*:(?!\/\/)[^\s:-][^\s]*$/;
const REF = /^[A-Za-z0-9_][\w./@+-]*$/;
const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;
const LONGEST = 2000;

/**
 * Reads a repository in the notation of docker's build contexts: `URL#branch:folder`, both parts optional. Raises `config` for
 * any other text, and for one that the programs that get it could misread; `what` names the setting. No error shows a password.
 */
export function parseGitSource(text: string, what: string): GitSource {
  const [place = '', fragment] = splitOnce(text.trim(), '#');
  const [ref, folder] = splitOnce(fragment ?? '', ':');
  const problem = placeProblem(place, text) ?? refProblem(ref) ?? folderProblem(folder);
  if (problem !== undefined) return fail('config', `${what}: ${problem}`, { hint: LIKE });
  return { ...placeOf(place), ref: ref || undefined, folder: normalFolder(folder) };
}

/** The repository as the user wrote it, without the login. */
export function shownGit({ url, ref, folder }: GitSource): string {
  const fragment = `${ref ?? ''}${folder === undefined ? '' : `:${folder}`}`;
  return fragment === '' ? url : `${url}#${fragment}`;
}

/** True: the reference is a whole commit id, which never moves. */
export function isCommit(ref: string): boolean {
  return COMMIT.test(ref);
}

const PREFIX = 'commit:';

/** A commit in the form of a digest, for places that hold a registry's digest. */
export function commitDigest(commit: string): string {
  return PREFIX + commit;
}

/** The commit in such a digest; undefined for a registry's digest. */
export function commitIn(digest: string | undefined): string | undefined {
  return digest?.startsWith(PREFIX) ? digest.slice(PREFIX.length) : undefined;
}

/** The labels of an image that name its source (image-spec, annotations.md). */
export function originLabels(source: GitSource, commit: string): Record<string, string> {
  return { [REVISION]: commit, 'org.opencontainers.image.source': source.url };
}

export const REVISION = 'org.opencontainers.image.revision';

function placeProblem(place: string, whole: string): string | undefined {
  if (place === '') return 'it names no repository';
  if (whole.length > LONGEST || hasOddities(whole.trim())) return 'spaces and control characters have no place in it';
  if (place.startsWith('/') || SCP_LIKE.test(place)) return undefined;
  const url = urlOf(place);
  if (!url) return 'it is no URL of a repository';
  if (!SCHEMES.has(url.protocol)) return `${JSON.stringify(url.protocol.slice(0, 20))} is no way to a repository here`;
  if (url.protocol !== 'file:' && (url.hostname === '' || url.hostname.startsWith('-'))) return 'it names no host';
  if (url.search !== '') return 'it has a ? in it; the branch and the folder come after a #';
  return undefined;
}

function refProblem(ref: string): string | undefined {
  const wrong = !REF.test(ref) || /\.\.|\/\/|@\{|\.lock$|[./]$/.test(ref) || ref.length > 250;
  return ref !== '' && wrong ? `${JSON.stringify(ref.slice(0, 60))} is no branch, tag or commit` : undefined;
}

function folderProblem(folder: string | undefined): string | undefined {
  const outside = folder?.startsWith('/') || folder?.split('/').includes('..') || normalFolder(folder)?.startsWith('-');
  return outside ? `${JSON.stringify(folder?.slice(0, 60))} is no folder in the repository` : undefined;
}

function normalFolder(folder: string | undefined): string | undefined {
  const parts = (folder ?? '').split('/').filter((part) => part !== '' && part !== '.');
  return parts.length > 0 ? parts.join('/') : undefined;
}

function placeOf(place: string): Pick<GitSource, 'url' | 'login'> {
  const url = place.startsWith('/') || SCP_LIKE.test(place) ? undefined : urlOf(place);
  if (!url) return { url: place, login: undefined };
  const [username, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
  const overHttp = url.protocol === 'https:' || url.protocol === 'http:';
  url.password = '';
  // The user of ssh is no secret; one of HTTP may be a token.
  if (overHttp) url.username = '';
  const login = overHttp && (username !== '' || password !== '') ? { username, password } : undefined;
  return { url: url.href, login };
}

// As docker does: github.com/… needs no scheme.
function urlOf(place: string): URL | undefined {
  const text = place.startsWith('github.com/') ? `https://${place}` : place;
  try {
    const url = new URL(text);
    // Decode them separately: a multi-byte letter could span both.
    for (const part of [url.username, url.password]) decodeURIComponent(part);
    return url;
  } catch {
    return undefined;
  }
}

function hasOddities(text: string): boolean {
  return [...text].some((char) => char <= ' ' || /\s/.test(char) || char === '\x7f' || char === '\\');
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/** The files of a commit, in a folder that exists until it is released. */
export interface GitTree {
  /** The folder to build. */
  readonly folder: string;
  /** Paths of submodules, which are not fetched. */
  readonly submodules: readonly string[];
  release(): Promise<void>;
}
