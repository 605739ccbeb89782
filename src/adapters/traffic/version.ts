/** True if a version such as `v2.11.2` is at least another one; an unreadable one (`dev`) counts as new. */
export function isAtLeast(version: string, least: string): boolean {
  const [have, need] = [numbersOf(version), numbersOf(least)];
  if (have.length === 0) return true;
  const at = need.findIndex((number, index) => (have[index] ?? 0) !== number);
  return at === -1 || (have[at] ?? 0) > (need[at] ?? 0);
}

function numbersOf(version: string): number[] {
  const [, text] = /^v?(\d+(?:\.\d+)*)/.exec(version.trim()) ?? [];
  return text === undefined ? [] : text.split('.').map(Number);
}
