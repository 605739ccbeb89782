// A pattern has the parts of a key, `project/service` or the name of a container. `*` stands for any characters but `/`.
const PATTERN = /^[\w.*-]{1,200}(?:\/[\w.*-]{1,200})?$/;

/** True if a text is a pattern over the keys of services. */
export function isPattern(text: string): boolean {
  return PATTERN.test(text);
}

/** True if a key matches. `*` alone matches every key; else `*` stops at `/`, so that `shop*` never reaches into a project. */
export function matches(pattern: string, key: string): boolean {
  return pattern === '*' || glob(pattern, key);
}

// Goes back to the last `*` only, so the time is at most pattern × key, whatever they hold.
function glob(pattern: string, key: string): boolean {
  let [at, star, from] = [0, -1, 0];
  for (let i = 0; i < key.length; ) {
    if (at < pattern.length && pattern[at] === key[i] && pattern[at] !== '*') {
      at += 1;
      i += 1;
    } else if (pattern[at] === '*') {
      star = at++;
      from = i;
    } else if (star >= 0 && key[from] !== '/') {
      at = star + 1;
      i = ++from;
    } else return false;
  }
  return /^\**$/.test(pattern.slice(at));
}
