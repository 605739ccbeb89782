import type { NOTIFIERS, NotificationConfig } from '../core/config.ts';
import { fail } from '../core/error.ts';
import { plainText, type Summary, type SummaryLine } from '../core/summary.ts';
import { fillTemplate } from '../core/template.ts';

/** What is sent: a POST. */
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

/** The kinds that are told by HTTP. */
export type HttpKind = Exclude<Kind, 'email'>;

/** What each of them is sent. Raises `config` for values that can't be right. */
export const POSTS: { readonly [K in HttpKind]: (summary: Summary, values: ValuesOf<K>) => Post } = {
  webhook: (summary, { url, template, token }) => {
    const filled = template === undefined ? undefined : fillTemplate(template, summary);
    const body = filled?.body ?? JSON.stringify(summary.document);
    return toUrl(url, body, { 'content-type': filled?.type ?? JSON_TYPE, ...bearer(token) });
  },
  // https://docs.slack.dev/messaging/formatting-message-text; Mattermost and Rocket.Chat take the same.
  slack: ({ title, lines }, { url }) => {
    const text = markup(lines, { plain: slackText, code: (log) => `\`${slackText(withoutTicks(log))}\`` });
    return jsonTo(url, { text: clip(`*${slackText(title)}*\n${text}`.trimEnd(), SLACK_MOST), unfurl_links: false });
  },
  // https://discord.com/developers/docs/resources/webhook#execute-webhook; flag 4: no previews of links.
  discord: ({ title, lines }, { url }) => {
    const text = markup(lines, { plain: discordText, code: (log) => `\`${withoutTicks(log)}\`` });
    const content = clip(`**${discordText(title)}**\n${text}`.trimEnd(), DISCORD_MOST);
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
    return jsonTo(server.href, { topic: decodeURIComponent(topic), title, message, priority, tags }, bearer(token));
  },
  // https://gotify.net/api-docs#/message/createMessage
  gotify: ({ title, lines, tone }, { url, token }) => {
    const server = webUrl(url);
    server.pathname = `${server.pathname.replace(/\/+$/, '').replace(/\/message$/, '')}/message`;
    const body = { title, message: plainText(lines) || title, priority: tone === 'bad' ? 8 : 4 };
    return jsonTo(server.href, body, { 'x-gotify-key': token });
  },
  // https://core.telegram.org/bots/api#sendmessage; without a parse_mode, text is text.
  telegram: ({ title, lines }, { token, chat, url }) => {
    const server = webUrl(url ?? 'https://api.telegram.org');
    server.pathname = `${server.pathname.replace(/\/+$/, '')}/bot${token}/sendMessage`;
    const text = clip(`${title}\n${plainText(lines)}`.trimEnd(), TELEGRAM_MOST);
    return jsonTo(server.href, { chat_id: chat, text, link_preview_options: { is_disabled: true } });
  },
};

const JSON_TYPE = 'application/json';
// What each takes at the most: letters, or bytes where that is what counts there.
const SLACK_MOST = 4000;
const DISCORD_MOST = 2000;
const NTFY_MOST_BYTES = 4000;
const TELEGRAM_MOST = 4096;

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

// A login in a URL is a header on its way.
function toUrl(text: string, body: string, headers: Readonly<Record<string, string>>): Post {
  const url = webUrl(text);
  const { username, password } = url;
  if (username === '' && password === '') return { url, headers, body };
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  url.username = '';
  url.password = '';
  return { url, headers: { authorization: `Basic ${Buffer.from(login).toString('base64')}`, ...headers }, body };
}

function webUrl(text: string): URL {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined;
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return url;
  return fail('config', 'its url is none; it has to begin with https:// or http://');
}

interface Dress {
  readonly plain: (text: string) => string;
  readonly code: (log: string) => string;
}

function markup(lines: readonly SummaryLine[], { plain, code }: Dress): string {
  return lines.map(({ text, log }) => (log === undefined ? plain(text) : `${plain(text)}\n${code(log)}`)).join('\n');
}

// Three characters steer Slack, mentions (<!channel>) among them; nothing takes away what * and _ mean.
function slackText(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

function discordText(text: string): string {
  return text.replace(/[\\*_~`|>#<[\]()-]/g, '\\$&');
}

// Within `code` nothing means anything but a tick.
function withoutTicks(text: string): string {
  return text.replaceAll('`', "'");
}

const CUT = '…';

function clip(text: string, most: number): string {
  if (text.length <= most) return text;
  // Not through the middle of a letter that takes two places.
  return text.slice(0, most - CUT.length).replace(/[\ud800-\udbff]$/, '') + CUT;
}

function clipBytes(text: string, most: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= most) return text;
  let end = most - Buffer.byteLength(CUT);
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end).toString() + CUT;
}
