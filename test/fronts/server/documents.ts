// The documents of the fronts, made comparable.
import type { DescField, DescMessage, Message } from '@bufbuild/protobuf';
import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt';

// biome-ignore lint/suspicious/noExplicitAny: JSON of any front
export type Json = any;

/** The document of a message, by its description alone: enums are words, times are ISO 8601. */
export function plain({ fields }: DescMessage, message: Message): Json {
  const values = message as unknown as Record<string, unknown>;
  const pairs = fields.flatMap((field) => {
    const name = field.jsonName;
    const chosen = field.oneof ? (values[field.oneof.localName] as { case?: string; value?: unknown }) : undefined;
    const value = chosen ? (chosen.case === field.localName ? chosen.value : undefined) : values[field.localName];
    if (value === undefined || (field.enum && value === 0)) return [];
    return [[name, Array.isArray(value) ? value.map((one) => plainValue(field, one)) : plainValue(field, value)]];
  });
  return Object.fromEntries(pairs);
}

function plainValue(field: DescField, value: unknown): unknown {
  if (field.enum) return field.enum.value[value as number]?.localName.toLowerCase().replaceAll('_', '-');
  if (field.message?.typeName === 'google.protobuf.Timestamp') return timestampDate(value as Timestamp).toISOString();
  if (field.message) return plain(field.message, value as Message);
  return typeof value === 'bigint' ? Number(value) : value;
}

// Each front has an engine or a service of its own, at different instants.
const TIMES = ['timings', 'ms', 'ageMs', 'lastRollAgeMs', 'lastRoll', 'startedAt', 'at', 'checked', 'gap', 'roll'];

/** A document without times, further fields and empty values: messages do not distinguish an empty list from none. */
export function timeless(document: Json, more: readonly string[] = []): Json {
  if (Array.isArray(document)) return document.map((one) => timeless(one, more));
  if (typeof document !== 'object' || document === null) return document;
  return Object.fromEntries(
    Object.entries(document)
      .filter(([name, value]) => ![...TIMES, ...more].includes(name) && value !== undefined && !isEmpty(value))
      .map(([name, value]) => [name, timeless(value, more)]),
  );
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}
