const LEAST = 4;
const HIDDEN = '…';

/** Removes secrets from a text, whole ones and the secret parts of URLs: an answer may repeat the request. */
export function redact(text: string, secrets: readonly string[]): string {
  const parts = [...new Set(secrets.flatMap((secret) => [secret, ...partsOf(secret)]))].filter(
    (part) => part.length >= LEAST,
  );
  // The longest first: a secret may contain another one.
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
