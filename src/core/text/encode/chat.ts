import { clipText, harmlessText } from '../harmless.ts';

/**
 * Lines of anybody's text as a block of code, for chats that read Markdown or something like it (Slack, Mattermost, Rocket.Chat,
 * Discord): nothing in it is a link, a mention, a picture or a heading. At most `most` characters long; empty where there is nothing.
 */
export function codeBlock(lines: readonly string[], encode: (text: string) => string, most: number): string {
  // Nothing within means anything but the ticks that end it.
  const text = lines.map((line) => encode(harmlessText(line).replaceAll('`', "'"))).join('\n');
  const room = most - 2 * (FENCE.length + 1);
  return text.trim() === '' || room <= 0 ? '' : `${FENCE}\n${cutEntity(clipText(text, room))}\n${FENCE}`;
}

const FENCE = '```';

// A cut in the middle of an entity leaves something else of it.
function cutEntity(text: string): string {
  return text.replace(/&[a-z]{0,4}…$/, '…');
}

/** Text for Slack, where three characters steer what is shown, mentions (`<!channel>`) among them. */
export function slackText(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

/** A heading of a message: what could be markup or a mention in any of these chats is left out. */
export function plainTitle(text: string): string {
  return harmlessText(text).replace(/[*_~`@#<>&|[\]()\\]/g, '·');
}
