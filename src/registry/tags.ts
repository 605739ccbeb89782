import * as z from 'zod';
import type { Answer } from './http.ts';
import { headerOf } from './http.ts';
import { problem, refusal } from './problem.ts';

const Page = z.looseObject({ tags: z.array(z.string()).nullish() });
const PAGE_SIZE = 1000;
const MOST_PAGES = 500;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/** All tags of a repository, page by page, as far as the Link headers lead (OCI distribution specification, "Content Discovery"). */
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
    tags.push(...pageOf(answer, repository).filter((tag) => TAG.test(tag)));
    next = nextPage(answer, repository);
  }
  return tags;
}

function pageOf({ body }: Answer, repository: string): string[] {
  try {
    return Page.parse(JSON.parse(body.toString('utf8'))).tags ?? [];
  } catch {
    throw problem('bad-answer', `the list of tags of ${repository} can't be understood`);
  }
}

// RFC 8288: `</v2/app/tags/list?last=b&n=2>; rel="next"`. It stays within the host that was asked.
function nextPage({ headers, url }: Answer, repository: string): string | undefined {
  const link = headerOf(headers, 'link') ?? '';
  const target = /<([^>]*)>\s*(?:;[^,]*?)?;\s*rel\s*=\s*"?next"?/i.exec(link)?.[1];
  if (target === undefined) return undefined;
  const resolved = URL.canParse(target, url.href) ? new URL(target, url) : undefined;
  // Behind a proxy some name themselves as they are called inside; the path is what counts.
  if (!resolved?.pathname.startsWith('/v2/'))
    throw problem('bad-answer', `the list of tags of ${repository} goes on where nobody should follow`);
  return resolved.pathname + resolved.search;
}
