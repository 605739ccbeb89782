import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, realpath, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { type GitSource, isCommit, shownGit } from '../../core/build/git.ts';
import { fail } from '../../core/model/error.ts';
import type { Git } from '../../ports/build.ts';
import type { GitTree } from '../../ports/ports.ts';
import { type Env, type ProgramEnd, runProgram } from './program.ts';

/** The environment of git, and the place of its cache. */
export interface GitOptions {
  readonly env: Env;
  /** The home folder. */
  readonly home: string;
}

/** Reads repositories with the installed git. */
export function installedGit({ env, home }: GitOptions): Git {
  const cache = path.join(env.XDG_CACHE_HOME || path.join(home, '.cache'), 'swapctl', 'git');
  const atOnce = oneAtATime();
  return {
    head: (source, signal) => head(runner(env, source, signal), source),
    tree: (source, commit, signal) => {
      const place = path.join(cache, createHash('sha256').update(source.url).digest('hex').slice(0, 32));
      return atOnce(place, () => treeOf(runner(env, source, signal), { source, commit, place }));
    },
  };
}

type RunGit = (
  args: readonly string[],
  options?: { readonly env?: Env; readonly mayFail?: boolean },
) => Promise<string>;

const ASK_MS = 60_000;
const FETCH_MS = 15 * 60_000;
// No code of a repository runs here: no hooks, no monitors, and only these transports.
const SAFE_OPTIONS = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'http.lowSpeedLimit=1000',
  'http.lowSpeedTime=60',
];
// Passes on the login of the URL where no process list shows it.
const HELPER = '!f() { echo "username=$SWAPCTL_GIT_USERNAME"; echo "password=$SWAPCTL_GIT_PASSWORD"; }; f';
// They refer to the repository in which swapctl was started.
const FOREIGN = ['GIT_DIR', 'GIT_WORK_TREE', 'GIT_INDEX_FILE', 'GIT_OBJECT_DIRECTORY', 'GIT_NAMESPACE', 'GIT_PREFIX'];

function runner(env: Env, source: GitSource, signal: AbortSignal): RunGit {
  const config = [...SAFE_OPTIONS, ...loginOptions(source)];
  const options = config.flatMap((setting) => ['-c', setting]);
  const own = environment(env, source);
  return async (args, { env: more = {}, mayFail = false } = {}) => {
    const limit = AbortSignal.timeout(args.includes('fetch') ? FETCH_MS : ASK_MS);
    const end = await runProgram('git', [...options, ...args], {
      env: { ...own, ...more },
      // Avoids the repository in which swapctl may have been started.
      cwd: path.parse(process.execPath).root,
      signal: AbortSignal.any([signal, limit]),
    });
    if (end.code === 0 || (mayFail && end.code !== undefined)) return end.code === 0 ? end.stdout : '';
    if (signal.aborted) return fail('interrupted', `git was interrupted; the containers serve as before`);
    return refuse(source, end, limit.aborted);
  };
}

// Only for this scheme and host: a redirect to another host gets no login.
function loginOptions({ url, login }: GitSource): string[] {
  if (!login) return [];
  return ['credential.helper=', `credential.${new URL(url).origin}.helper=${HELPER}`, 'http.followRedirects=false'];
}

function environment(env: Env, { login }: GitSource): Env {
  const kept = Object.fromEntries(Object.entries(env).filter(([name]) => !FOREIGN.includes(name)));
  return {
    ...kept,
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '',
    SSH_ASKPASS: '',
    GIT_ALLOW_PROTOCOL: 'file:git:http:https:ssh',
    GIT_SSH_COMMAND: env.GIT_SSH_COMMAND ?? 'ssh -o BatchMode=yes -o ConnectTimeout=30',
    ...(login && { SWAPCTL_GIT_USERNAME: login.username, SWAPCTL_GIT_PASSWORD: login.password }),
  };
}

async function head(git: RunGit, source: GitSource): Promise<string> {
  const { ref, url } = source;
  if (ref !== undefined && isCommit(ref)) return ref;
  const wanted = namesOf(ref);
  const listed = await git(['ls-remote', '--', url, ...wanted]);
  const found = new Map(listed.split('\n').map((line) => [line.split('\t')[1] ?? '', line.split('\t')[0] ?? '']));
  const name = wanted.find((one) => found.has(one));
  const commit = name === undefined ? undefined : found.get(name);
  if (commit !== undefined && isCommit(commit)) return commit;
  return fail('source-unreachable', `${url} has ${ref === undefined ? 'no commit yet' : `no branch or tag ${ref}`}`, {
    hint: 'check the name; the containers serve as before',
  });
}

// A branch before a tag, and the commit of an annotated tag.
function namesOf(ref: string | undefined): string[] {
  if (ref === undefined) return ['HEAD'];
  if (ref.startsWith('refs/')) return [`${ref}^{}`, ref];
  return [`refs/heads/${ref}`, `refs/tags/${ref}^{}`, `refs/tags/${ref}`];
}

interface Wanted {
  readonly source: GitSource;
  readonly commit: string;
  /** Folder of the repository in the cache. */
  readonly place: string;
}

async function treeOf(git: RunGit, { source, commit, place }: Wanted): Promise<GitTree> {
  const folder = path.join(place, 'repository');
  await mkdir(place, { recursive: true, mode: 0o700 });
  await clearDead(place);
  const inside: RunGit = (args, options) => git(['--git-dir', folder, ...args], options);
  await inside(['init', '--quiet', '--bare']);
  await inside(['config', 'gc.pruneExpire', 'now']);
  if ((await inside(['cat-file', '-t', commit], { mayFail: true })).trim() !== 'commit')
    await fetchCommit(inside, source, commit);
  const tree = await mkdtemp(path.join(place, `${TREE}${process.pid}-`));
  try {
    const env = { GIT_INDEX_FILE: `${tree}.index` };
    await inside(['read-tree', commit], { env });
    await inside(['--work-tree', tree, 'checkout-index', '--all', '--force'], { env });
    const modules = await inside(['ls-files', '--stage'], { env });
    return { folder: await folderIn(tree, source), submodules: submodulesIn(modules), release: () => remove(tree) };
  } catch (error) {
    await remove(tree);
    throw error;
  } finally {
    await rm(`${tree}.index`, { force: true });
  }
}

// Some servers offer only branches and tags: then that one, if it still names the commit.
async function fetchCommit(git: RunGit, source: GitSource, commit: string): Promise<void> {
  const { url, ref } = source;
  const fetch = (what: string, mayFail: boolean): Promise<string> =>
    git(
      [
        'fetch',
        '--quiet',
        '--depth=1',
        '--no-tags',
        '--no-recurse-submodules',
        '--force',
        '--',
        url,
        `${what}:${LAST}`,
      ],
      {
        mayFail,
      },
    );
  const has = async (): Promise<boolean> =>
    (await git(['rev-parse', '--verify', '--quiet', `${LAST}^{commit}`], { mayFail: true })).trim() === commit;
  await fetch(commit, ref === undefined || !isCommit(ref));
  if (await has()) return;
  await fetch(ref ?? 'HEAD', false);
  if (await has()) return;
  fail('image-moved', `${shownGit(source)} moved on while commit ${commit.slice(0, 12)} was fetched`, {
    hint: 'the next check sees it anew',
  });
}

// Names the last commit to the server, so that the next fetch sends only changes.
const LAST = 'refs/swapctl/last';

// A link in the repository must not lead out of it.
async function folderIn(tree: string, source: GitSource): Promise<string> {
  const top = await realpath(tree);
  const folder = await realpath(path.join(top, source.folder ?? '')).catch(() => undefined);
  const isInside = folder === top || folder?.startsWith(`${top}${path.sep}`);
  if (folder !== undefined && isInside && (await stat(folder)).isDirectory()) return folder;
  return fail('build-failed', `${shownGit(source)}: there is no folder ${source.folder} in this commit`, {
    hint: 'the containers serve as before; the folder comes after the branch and a colon',
  });
}

function submodulesIn(staged: string): string[] {
  return staged.split('\n').flatMap((line) => (line.startsWith('160000 ') ? [line.split('\t')[1] ?? ''] : []));
}

const TREE = 'tree-';

// Removes the remains of processes that died in the middle.
async function clearDead(place: string): Promise<void> {
  for (const name of await readdir(place)) {
    const pid = Number(name.startsWith(TREE) ? name.slice(TREE.length).split('-')[0] : Number.NaN);
    if (pid > 0 && !isAlive(pid)) await remove(path.join(place, name));
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function remove(tree: string): Promise<void> {
  await rm(tree, { recursive: true, force: true });
}

function refuse(source: GitSource, { code, stderr }: ProgramEnd, late: boolean): never {
  if (code === undefined && !late)
    return fail('config', 'git is not installed on this machine, or can not be run', {
      hint: 'install git: services that are built from a repository need it',
    });
  const said = late ? 'it did not answer in time' : told(source, stderr);
  const denied =
    /authentication failed|could not read (username|password)|permission denied|terminal prompts disabled|access denied|403/i;
  if (source.login && /returned error: 30\d/.test(said))
    return fail(
      'source-unreachable',
      `${source.url} redirects to another URL, and swapctl does not send the login there`,
      {
        hint: 'use the URL that it redirects to (git ls-remote without the login may show it)',
      },
    );
  return fail('source-unreachable', `${source.url} can't be read: ${said}`, {
    hint: denied.test(said)
      ? 'git logs in with its own credential helpers and ssh keys, of the user that runs swapctl'
      : 'the containers serve as before; git ls-remote with this URL says more',
  });
}

function told({ login }: GitSource, stderr: readonly string[]): string {
  const marked = stderr.filter((line) => /^(fatal|error|remote): /.test(line));
  const lines = (marked.length > 0 ? marked : stderr).map((line) => line.replace(/^\w+: */, '').trim());
  const said = lines.slice(0, 3).join('; ') || 'git says nothing about it';
  // A login without a password is a token.
  const secrets = [login?.password || login?.username].flatMap((one) => (one ? [one] : []));
  return secrets.reduce((text, secret) => text.replaceAll(secret, '…'), said.replace(/\/\/[^/@\s]*@/g, '//…@'));
}

function oneAtATime(): <T>(key: string, work: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>();
  return (key, work) => {
    const run = (last.get(key) ?? Promise.resolve()).then(work, work);
    const ended = run.catch(() => {}).finally(() => last.get(key) === ended && last.delete(key));
    last.set(key, ended);
    return run;
  };
}
