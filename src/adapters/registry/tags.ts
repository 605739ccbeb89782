import * as z from 'zod';
import type { Answer } from './http/http.ts';
import { headerOf } from './http/http.ts';
import { problem, refusal } from './http/problem.ts';

const Page = z.looseObject({ tags: z.array(z.string()).nullish() });
const PAGE_SIZE = 1000;
const MOST_PAGES = 500;
// Some registries answer with all tags at once.
const MOST_IN_PAGE = 50_000;
const MOST_TAGS = 100_000;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/** All tags of a repository, page by page along the Link headers (OCI distribution specification, "Content Discovery"). */
export async function allTags(repository: string, get: (path: string) => Promise<Answer>): Promise<string[]> {
  const tags: string[] = [];
  const seen = new Set<string>();
  let next: string | undefined = `/v2/${repository}/tags/list?n=${PAGE_SIZE}`;
  while (next !== undefined) {
    if (seen.has(next) || seen.size === MOST_PAGES)
      throw problem('bad-answer', `the list of tags of ${repository} has no end`);
    seen.add(next);
    const answer: Answer = await get(next);
    if (answer.status !== 200)
      throw refusal(`list of tags of ${repository}`, answer.url.host, answer.status, answer.body);
    const page = pageOf(answer, repository);
    if (page.length > MOST_IN_PAGE || tags.length + page.length > MOST_TAGS) throw tooMany(repository, answer);
    for (const tag of page) if (TAG.test(tag)) tags.push(tag);
    next = nextPage(answer, repository);
  }
  return tags;
}

function tooMany(repository: string, { url }: Answer): Error {
  return problem(
    'bad-answer',
    `${url.host} lists more than ${MOST_TAGS} tags of ${repository}, or more than ${MOST_IN_PAGE} at once`,
    'follow the tag itself (swapctl.track=digest), or remove old tags from the registry',
  );
}

function pageOf({ body }: Answer, repository: string): string[] {
  try {
    return Page.parse(JSON.parse(body.toString('utf8'))).tags ?? [];
  } catch {
    throw problem('bad-answer', `the list of tags of ${repository} can't be understood`);
  }
}

// RFC 8288: `</v2/app/tags/list?last=b&n=2>; rel="next"`. It must stay on the same host.
function nextPage({ headers, url }: Answer, repository: string): string | undefined {
  const target = nextOf(headerOf(headers, 'link') ?? '');
  if (target === undefined) return undefined;
  const resolved = URL.canParse(target, url.href) ? new URL(target, url) : undefined;
  // Behind a proxy some registries send their internal name; only the path counts.
  if (!resolved?.pathname.startsWith('/v2/'))
    throw problem('bad-answer', `the list of tags of ${repository} goes on where nobody should follow`);
  return resolved.pathname + resolved.search;
}

// In pieces instead of one pattern, which a long header could keep busy for minutes.
function nextOf(link: string): string | undefined {
  const links = link.split('<').slice(1);
  const next = links.find((one) => parametersOf(one).some((parameter) => NEXT.test(parameter)));
  return next?.slice(0, next.indexOf('>'));
}

const NEXT = /^rel\s*=\s*"?next"?$/i;

function parametersOf(link: string): string[] {
  const end = link.indexOf('>');
  const [own = ''] = end < 0 ? [] : link.slice(end + 1).split(',');
  return own.split(';').map((parameter) => parameter.trim());
}
