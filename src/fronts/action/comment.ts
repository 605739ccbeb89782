import { readText } from '../../adapters/files/read.ts';
import { fail, messageOf } from '../../core/model/error.ts';

/** The place of a comment, from the runner's data. */
export interface Place {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly token: string;
  /** The identity of the comment: one of the same key is replaced. */
  readonly key: string;
}

interface Thread {
  readonly url: string;
  readonly pages: string;
  readonly headers: Readonly<Record<string, string>>;
}

const TIMEOUT_MS = 15_000;
const MOST_PAGES = 30;
// GitHub takes 65536 characters.
const LONGEST = 65_000;
// The maximum size of GitHub's events.
const MOST_EVENT = 25 * 1024 * 1024;

/**
 * Writes a comment on the pull request of the run, in place of the one by an earlier run with the same login: any user may write
 * a comment that starts like ours. Resolves with false if the run belongs to no pull request. Raises `step-failed` if the comment
 * can't be written.
 */
export async function comment(markdown: string, { env, token, key }: Place): Promise<boolean> {
  const number = await pullRequestOf(env);
  if (number === undefined) return false;
  const api = env.GITHUB_API_URL || 'https://api.github.com';
  const issues = `${api}/repos/${env.GITHUB_REPOSITORY}/issues`;
  const headers = { authorization: `Bearer ${token}`, accept: 'application/vnd.github+json', 'user-agent': 'swapctl' };
  const thread = { url: `${issues}/${number}/comments`, pages: `${issues}/${number}/comments?per_page=100`, headers };
  const mark = `<!-- swapctl ${key} -->`;
  const body = JSON.stringify({ body: `${mark}\n${markdown}`.slice(0, LONGEST) });
  const marked = await markedIn(thread, mark);
  const login = marked.length > 0 ? await ownLogin(api, env, headers) : undefined;
  const earlier = marked.find(({ user }) => login !== undefined && isOf(user, login))?.id;
  if (earlier === undefined) await ask(thread.url, { method: 'POST', headers, body });
  else await ask(`${issues}/comments/${earlier}`, { method: 'PATCH', headers, body });
  return true;
}

interface Marked {
  readonly id: number;
  readonly user: Fields;
}

async function markedIn({ pages, headers }: Thread, mark: string): Promise<Marked[]> {
  const marked: Marked[] = [];
  for (let page = 1; page <= MOST_PAGES; page++) {
    const found = await ask(`${pages}&page=${page}`, { headers });
    const comments: unknown[] = Array.isArray(found) ? found : [];
    for (const { id, body, user } of comments.map(fieldsOf))
      if (typeof id === 'number' && typeof body === 'string' && body.startsWith(mark))
        marked.push({ id, user: fieldsOf(user) });
    if (comments.length < 100) break;
  }
  return marked;
}

// The first request is forbidden for a workflow's token, and not every server knows the second one. If neither answers, the
// result becomes a new comment.
async function ownLogin(api: string, env: Place['env'], headers: Thread['headers']): Promise<string | undefined> {
  const graph = env.GITHUB_GRAPHQL_URL || `${api}/graphql`;
  const query = JSON.stringify({ query: '{ viewer { login } }' });
  const login =
    (await asked(`${api}/user`, { headers })).login ??
    fieldsOf(fieldsOf((await asked(graph, { method: 'POST', headers, body: query })).data).viewer).login;
  return typeof login === 'string' && login !== '' ? login : undefined;
}

async function asked(url: string, request: RequestInit): Promise<Fields> {
  return fieldsOf(await ask(url, request).catch(() => undefined));
}

// The answer about a bot's own login may lack its suffix.
function isOf({ login, type }: Fields, own: string): boolean {
  return login === own || (type === 'Bot' && login === `${own}[bot]`);
}

async function ask(url: string, request: RequestInit): Promise<unknown> {
  try {
    const answer = await fetch(url, { ...request, signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'error' });
    if (answer.ok) return await answer.json();
    throw new Error(`${request.method ?? 'GET'} was answered with ${answer.status}${adviceOn(answer.status)}`);
  } catch (error) {
    return fail('step-failed', `the pull request can't be commented on: ${messageOf(error)}`, { cause: error });
  }
}

function adviceOn(status: number): string {
  if (status !== 403 && status !== 404) return '';
  return '; the job needs permissions: pull-requests: write (of a fork no token has that)';
}

// From an event on a pull request, or on a comment; else from the branch that GitHub made for it.
async function pullRequestOf(env: Place['env']): Promise<number | undefined> {
  const event = fieldsOf(await eventOf(env.GITHUB_EVENT_PATH));
  const request = fieldsOf(event.pull_request).number;
  const issue = fieldsOf(event.issue);
  const number = request ?? (issue.pull_request ? issue.number : undefined);
  if (typeof number === 'number') return number;
  const named = /^refs\/pull\/(\d+)\//.exec(env.GITHUB_REF ?? '')?.[1];
  return named === undefined ? undefined : Number(named);
}

async function eventOf(file: string | undefined): Promise<unknown> {
  if (!file) return undefined;
  try {
    return JSON.parse(await readText(file, { bytes: MOST_EVENT }));
  } catch {
    return undefined;
  }
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
