/** The subject of a certificate as Node gives it: attributes by their short names. */
export type Subject = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Reads `CN=ci,O=Shop`; a backslash before `,` `=` or `\` escapes it. Undefined: not a subject. */
export function parseSubject(text: string): readonly (readonly [key: string, value: string])[] | undefined {
  const parts = (text.match(/(?:\\.|[^,\\])+/g) ?? []).map((part) => /^\s*([A-Za-z.0-9]+)=(.+)$/.exec(part));
  if (parts.length === 0 || parts.join().length === 0) return undefined;
  const pairs = parts.map((part) => [part?.[1] ?? '', (part?.[2] ?? '').trim().replace(/\\(.)/g, '$1')] as const);
  return pairs.every(([key, value]) => key !== '' && value !== '') ? pairs : undefined;
}

/** True if a certificate's subject has every wanted attribute, with exactly that value. */
export function hasSubject(subject: Subject, wanted: string): boolean {
  const pairs = parseSubject(wanted);
  return pairs?.every(([key, value]) => valuesOf(subject, key).includes(value)) ?? false;
}

function valuesOf(subject: Subject, key: string): readonly string[] {
  const value = Object.hasOwn(subject, key) ? subject[key] : undefined;
  if (value === undefined) return [];
  return typeof value === 'string' ? [value] : value;
}
