const HIDDEN = '…';
const SECRET_NAME = /pass|secret|token|credential|private|auth|api_?key|access_?key|dsn/i;
// Hiding a shorter value would also hide ordinary text.
const SHORTEST = 4;
const LOGIN = /:\/\/[^\s/@]+@/g;

/**
 * Removes secrets from lines that a container wrote, since labels outlive the container and monitoring tools export them: logins
 * in URLs, and the values of variables (`NAME=value`) whose names suggest a secret.
 */
export function hideSecrets(lines: readonly string[], env: readonly string[]): string[] {
  const secrets = env.flatMap(secretIn).sort((a, b) => b.length - a.length);
  return lines.map((line) => hideIn(line, secrets));
}

function secretIn(pair: string): string[] {
  const at = pair.indexOf('=');
  const value = pair.slice(at + 1);
  return at > 0 && SECRET_NAME.test(pair.slice(0, at)) && value.length >= SHORTEST ? [value] : [];
}

function hideIn(line: string, secrets: readonly string[]): string {
  return secrets.reduce((left, secret) => left.replaceAll(secret, HIDDEN), line).replace(LOGIN, `://${HIDDEN}@`);
}
