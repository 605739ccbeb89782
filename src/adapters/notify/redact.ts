const LEAST = 4;
const HIDDEN = '…';

/** Takes secrets out of a text, whole ones and the telling parts of URLs: what others answer may repeat what they were sent. */
export function redact(text: string, secrets: readonly string[]): string {
  const parts = [...new Set(secrets.flatMap((secret) => [secret, ...partsOf(secret)]))].filter(
    (part) => part.length >= LEAST,
  );
  // The longest first: a part of a secret may be one as well.
  return parts.sort((a, b) => b.length - a.length).reduce((left, part) => left.replaceAll(part, HIDDEN), text);
}

function partsOf(secret: string): string[] {
  if (!URL.canParse(secret)) return [encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)];
  const { username, password, pathname, searchParams } = new URL(secret);
  const parts = [username, password, pathname, ...pathname.split('/'), ...searchParams.values()];
  const login = Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64');
  return [...parts.flatMap((part) => [part, decoded(part)]), login];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
