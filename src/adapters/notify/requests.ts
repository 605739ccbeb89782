import { fail } from '../../core/model/error.ts';
import { plainText, type Summary, type SummaryLine } from '../../core/report/summary.ts';
import type { NOTIFIERS, NotificationConfig } from '../../core/settings/config.ts';
import { codeBlock, plainTitle, slackText } from '../../core/text/encode/chat.ts';
import { clipText } from '../../core/text/sanitize.ts';
import { fillTemplate } from '../../core/text/template.ts';

/** The POST of a notification. */
export interface Post {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

type Kind = NotificationConfig['kind'];
type Notifiers = typeof NOTIFIERS;

/** The values of a notifier, read. */
export type ValuesOf<K extends Kind> = { readonly [N in Notifiers[K]['needs'][number]]: string } & {
  readonly [N in Notifiers[K]['takes'][number]]?: string;
};

/** The kinds of notifiers with HTTP. */
export type HttpKind = Exclude<Kind, 'email'>;

/** The POST for each kind. Raises `config` for invalid values. */
export const POSTS: { readonly [K in HttpKind]: (summary: Summary, values: ValuesOf<K>) => Post } = {
  webhook: (summary, { url, template, token }) => {
    const filled = template === undefined ? undefined : fillTemplate(template, summary);
    const body = filled?.body ?? JSON.stringify(summary.document);
    return toUrl(url, body, { 'content-type': filled?.type ?? JSON_TYPE, ...bearer(token) });
  },
  // https://docs.slack.dev/messaging/formatting-message-text; Mattermost and Rocket.Chat take the same.
  slack: ({ title, lines }, { url }) => {
    const text = headed(`*${plainTitle(title)}*`, (room) => codeBlock(textsOf(lines), slackText, room), SLACK_MOST);
    return jsonTo(url, { text, unfurl_links: false, unfurl_media: false });
  },
  // https://discord.com/developers/docs/resources/webhook#execute-webhook; flag 4: no previews of links.
  discord: ({ title, lines }, { url }) => {
    const body = (room: number): string => codeBlock(textsOf(lines), String, room);
    const content = headed(`**${plainTitle(title)}**`, body, DISCORD_MOST);
    return jsonTo(url, { content, allowed_mentions: { parse: [] }, flags: 4 });
  },
  // https://docs.ntfy.sh/publish/#publish-as-json: to the server, since a header (Title) can't hold every letter.
  ntfy: ({ title, lines, tone }, { url, token }) => {
    const server = webUrl(url);
    const [, topic = ''] = /^\/([^/]+)\/?$/.exec(server.pathname) ?? [];
    if (topic === '') return fail('config', 'the url of ntfy has to end with a topic: https://ntfy.sh/my-topic');
    server.pathname = '/';
    const message = clipBytes(plainText(lines) || title, NTFY_MOST_BYTES);
    const { priority, tags } = NTFY_TONES[tone];
    return jsonTo(server.href, { topic: decoded(topic), title, message, priority, tags }, bearer(token));
  },
  // https://gotify.net/api-docs#/message/createMessage
  gotify: ({ title, lines, tone }, { url, token }) => {
    const server = webUrl(url);
    server.pathname = `${server.pathname.replace(/\/+$/, '').replace(/\/message$/, '')}/message`;
    const body = { title, message: plainText(lines) || title, priority: tone === 'bad' ? 8 : 4, extras: GOTIFY_PLAIN };
    return jsonTo(server.href, body, { 'x-gotify-key': token });
  },
  // https://core.telegram.org/bots/api#sendmessage; without a parse_mode, text is text, except names, links and commands that
  // Telegram detects: not inside code.
  telegram: ({ title, lines }, { token, chat, url }) => {
    const server = webUrl(url ?? 'https://api.telegram.org');
    server.pathname = `${server.pathname.replace(/\/+$/, '')}/bot${token}/sendMessage`;
    const head = plainTitle(title);
    const text = clipText(`${head}\n${plainText(lines)}`.trimEnd(), TELEGRAM_MOST);
    const offset = head.length + 1;
    const entities = text.length > offset ? [{ type: 'pre', offset, length: text.length - offset }] : [];
    return jsonTo(server.href, { chat_id: chat, text, entities, link_preview_options: { is_disabled: true } });
  },
};

const JSON_TYPE = 'application/json';
// The limit of each: characters, or bytes if the service counts those.
const SLACK_MOST = 4000;
const DISCORD_MOST = 2000;
const NTFY_MOST_BYTES = 4000;
const TELEGRAM_MOST = 4096;

const GOTIFY_PLAIN = { 'client::display': { contentType: 'text/plain' } };

const NTFY_TONES = {
  good: { priority: 3, tags: ['white_check_mark'] },
  bad: { priority: 4, tags: ['warning'] },
  plain: { priority: 3, tags: [] },
} as const;

function bearer(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

function jsonTo(url: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Post {
  return toUrl(url, JSON.stringify(body), { 'content-type': JSON_TYPE, ...headers });
}

// The login of a URL is sent as a header.
function toUrl(text: string, body: string, headers: Readonly<Record<string, string>>): Post {
  const url = webUrl(text);
  const { username, password } = url;
  if (username === '' && password === '') return { url, headers, body };
  const login = `${decoded(username)}:${decoded(password)}`;
  url.username = '';
  url.password = '';
  return { url, headers: { authorization: `Basic ${Buffer.from(login).toString('base64')}`, ...headers }, body };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return fail('config', 'its url has a % in it that begins no letter; write %25 for the sign itself');
  }
}

function webUrl(text: string): URL {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined;
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return url;
  return fail('config', 'its url is none; it has to begin with https:// or http://');
}

function headed(head: string, body: (room: number) => string, most: number): string {
  const first = clipText(head, most);
  return `${first}\n${body(most - first.length - 1)}`.trimEnd();
}

// Foreign text is shown separately.
function textsOf(lines: readonly SummaryLine[]): string[] {
  return lines.flatMap(({ text, log }) => (log === undefined ? [text] : [text, `    ${log}`]));
}

const CUT = '…';

function clipBytes(text: string, most: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= most) return text;
  let end = most - Buffer.byteLength(CUT);
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end).toString() + CUT;
}
