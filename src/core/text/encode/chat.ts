import { clipText, sanitizeText } from '../sanitize.ts';

/**
 * Foreign lines as a block of code, for chats that read Markdown or a dialect of it (Slack, Mattermost, Rocket.Chat, Discord): no
 * link, mention, picture or heading can arise. At most `most` characters long; empty for no lines.
 */
export function codeBlock(lines: readonly string[], encode: (text: string) => string, most: number): string {
  // Inside the block only the closing ticks have a meaning.
  const text = lines.map((line) => encode(sanitizeText(line).replaceAll('`', "'"))).join('\n');
  const room = most - 2 * (FENCE.length + 1);
  return text.trim() === '' || room <= 0 ? '' : `${FENCE}\n${cutEntity(clipText(text, room))}\n${FENCE}`;
}

const FENCE = '```';

// A cut must not leave a part of an entity.
function cutEntity(text: string): string {
  return text.replace(/&[a-z]{0,4}…$/, '…');
}

/** Text for Slack, which gives a meaning to three characters, in mentions (`<!channel>`) among others. */
export function slackText(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

/** The title of a message, without anything that could be markup or a mention in any of these chats. */
export function plainTitle(text: string): string {
  return sanitizeText(text).replace(/[*_~`@#<>&|[\]()\\]/g, '·');
}
