import {
  create,
  type DescField,
  type DescMessage,
  type Message,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import { type Timestamp, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { fail } from '../../../core/model/error.ts';
import { numberOf, wordOf } from './words.ts';

// Translates the documents of the use cases into messages, field by field of the same name, and requests into plain data.

/** The paths of a document for which a message has no field. */
type Gaps<P, M> = P extends readonly (infer One)[]
  ? M extends readonly (infer Other)[]
    ? Gaps<One, Other>
    : never
  : P extends object
    ? { [K in keyof P & string]-?: K extends keyof M ? Gaps<NonNullable<P[K]>, NonNullable<M[K]>> : K }[keyof P &
        string]
    : never;
/** Compiles only if the message can hold all of the document. */
type Whole<P, M> = [Gaps<P, M>] extends [never] ? unknown : { readonly missingInProto: Gaps<P, M> };

/** The message for a document of the command line. */
export function messageFrom<D extends DescMessage, P extends object>(
  desc: D,
  document: P & Whole<P, MessageShape<D>>,
): MessageShape<D> {
  return create(desc, initOf(desc, document) as MessageInitShape<D>);
}

type Plain = Readonly<Record<string, unknown>>;

function initOf({ fields }: DescMessage, document: object): Record<string, unknown> {
  const pairs = fields.flatMap((field) => {
    const value = (document as Plain)[field.localName];
    if (value === undefined || value === null) return [];
    const init = Array.isArray(value) ? value.map((one) => initValue(field, one)) : initValue(field, value);
    return [[field.localName, init]];
  });
  return Object.fromEntries(pairs);
}

function initValue(field: DescField, value: unknown): unknown {
  if (field.enum) return numberOf(field.enum, String(value));
  if (field.message?.typeName === 'google.protobuf.Timestamp') return timestampOf(String(value));
  if (field.message) return initOf(field.message, value as object);
  return typeof value === 'number' && isLong(field) ? BigInt(Math.round(value)) : value;
}

function isLong(field: DescField): boolean {
  return 'longAsString' in field && field.scalar !== undefined && LONG.includes(field.scalar);
}

// INT64, UINT64, FIXED64, SFIXED64 and SINT64 of google.protobuf.FieldDescriptorProto.Type.
const LONG: readonly number[] = [3, 4, 6, 16, 18];

// Labels of containers hold times, too, unchecked: a text that is no time becomes no time.
function timestampOf(text: string): Timestamp | undefined {
  const ms = Date.parse(text);
  if (!Number.isFinite(ms)) return undefined;
  const whole = timestampFromMs(ms);
  const [, fraction] = /\.(\d{1,9})\d*(?:Z|[+-]\d\d:?\d\d)$/.exec(text) ?? [];
  return fraction === undefined ? whole : { ...whole, nanos: Number(fraction.padEnd(9, '0')) };
}

/** A request as the schemas of requests expect it: what is not set is absent. */
export function plainOf(desc: DescMessage, message: Message): Record<string, unknown> {
  const pairs = desc.fields.flatMap((field) => {
    const value = (message as unknown as Plain)[field.localName];
    return isSet(value) ? [[field.localName, field.enum ? wordOf(field.enum, Number(value)) : value]] : [];
  });
  return Object.fromEntries(pairs);
}

function isSet(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return value !== undefined && value !== '' && value !== 0;
}

/** A name that a request has to have. Raises `usage`. */
export function required(name: string, value: string): string {
  if (value !== '' && value.length <= MOST_NAME) return value;
  return fail('usage', `the request is wrong: ${name}: expected 1 to ${MOST_NAME} characters`);
}

const MOST_NAME = 300;
