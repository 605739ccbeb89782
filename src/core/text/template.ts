import { fail } from '../model/error.ts';
import type { NotifiedService, Summary } from '../report/summary.ts';
import { nearest, printable } from './suggest.ts';

/** The placeholders of a webhook's template; `json` is the whole document. */
const PLACEHOLDERS = ['title', 'summary', 'host', 'updated', 'failed', 'available', 'json'] as const;

type Placeholder = (typeof PLACEHOLDERS)[number];

const PLACEHOLDER = /\{\{([^{}]*)\}\}/g;
// A JSON document; not a text that starts with a placeholder or with a [word].
const JSON_LIKE = /^\s*(?:\{(?!\{)|\[\s*(?:["[\d\]]|\{(?!\{)|\{\{\s*json)|\{\{\s*json\s*\}\}\s*$)/;

/** A filled template, and its kind. */
export interface Filled {
  readonly body: string;
  readonly type: 'application/json' | 'text/plain; charset=utf-8';
}

/** The mistake in a template; undefined if there is none. */
export function whyNoTemplate(template: string): string | undefined {
  const unknown = [...template.matchAll(PLACEHOLDER)]
    .map(([, name = '']) => name.trim())
    .find((name) => !isPlaceholder(name));
  if (unknown !== undefined) {
    const near = nearest(PLACEHOLDERS, unknown);
    const known = PLACEHOLDERS.map((name) => `{{${name}}}`).join(', ');
    return `{{…}} knows no ${printable(unknown)}; ${near ? `did you mean ${near}?` : `use ${known}`}`;
  }
  // An object fits only in place of a whole value, a letter only inside a string.
  const probe = template.replace(PLACEHOLDER, (_, name: string) => (name.trim() === 'json' ? '{"x":0}' : 'x'));
  if (JSON_LIKE.test(template) && !isJson(probe))
    return 'the template begins like JSON, but is none; {{json}} stands for a whole value, all others inside of "strings"';
  return undefined;
}

/**
 * Fills in a template. A JSON template gets values escaped for JSON strings ({{json}} is a whole value); any other gets them as
 * they are. Raises `config` for a wrong template.
 */
export function fillTemplate(template: string, summary: Summary): Filled {
  const wrong = whyNoTemplate(template);
  if (wrong !== undefined) return fail('config', wrong);
  const values = valuesOf(summary);
  const asJson = JSON_LIKE.test(template);
  const body = template.replace(PLACEHOLDER, (_, inner: string) => {
    const name = inner.trim() as Placeholder;
    return asJson && name !== 'json' ? JSON.stringify(values[name]).slice(1, -1) : values[name];
  });
  return { body, type: asJson ? 'application/json' : 'text/plain; charset=utf-8' };
}

function valuesOf({ title, document }: Summary): Record<Placeholder, string> {
  const services = (document.services ?? []) as readonly NotifiedService[];
  const named = (outcome: string): string =>
    services.flatMap((one) => (one.outcome === outcome ? [one.service] : [])).join(', ');
  return {
    title,
    summary: document.text,
    host: String(document.host ?? ''),
    updated: named('updated'),
    failed: named('failed'),
    available: named('available'),
    json: JSON.stringify(document),
  };
}

function isPlaceholder(name: string): name is Placeholder {
  return (PLACEHOLDERS as readonly string[]).includes(name);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
