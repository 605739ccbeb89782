// The commands that pages show: blocks of `sh`, and lines after a prompt.
import { readFileSync } from 'node:fs';

/** The shell commands of a page that contain a word, in order, as one would paste them. */
export function commandsOf(page: string, word: string): string[] {
  const text = readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8');
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);
  const prompts = [...text.matchAll(/^ {4,}\$ ((?:.*\\\n)*.*)$/gm)].map(([, command = '']) => command);
  return [...blocks, ...prompts].filter((command) => new RegExp(`\\b${word} `).test(command));
}
