import {
  CORE_SCHEMA,
  constructFromEvents,
  EVENT_ID,
  type Event,
  getScalarValue,
  mergeTag,
  parseEvents,
  SCALAR_STYLE,
  type ScalarEvent,
  YAMLException,
} from 'js-yaml';
import type { Mistake } from '../../core/settings/config.ts';

type Path = readonly PropertyKey[];

/** A parsed YAML text, with the places of all values. */
export interface Source {
  readonly value: unknown;
  /** The place of a value, or of its parent if it is missing; of its key if requested. */
  place(path: Path, of: 'key' | 'value'): Pick<Mistake, 'line' | 'column'>;
}

/** Reads one YAML document (1.2, with `<<`); an empty one is `{}`. Returns a mistake for invalid YAML. */
export function readSource(text: string): Source | Mistake {
  try {
    const events = parseEvents(text, {});
    const options = { source: text, schema: CORE_SCHEMA.withTags(mergeTag) };
    const [value = {}, ...more] = constructFromEvents(events, options);
    if (more.length > 0) return { line: 1, column: 1, message: 'there are several documents; only one is read' };
    const offsets = new Offsets(text, events);
    return { value: value ?? {}, place: (path, of) => lineAndColumn(text, offsets.find(path, of)) };
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const hint = error.reason.includes('alias') ? '; a value that begins with * has to stand in quotes' : '';
    const { line = 0, column = 0 } = error.mark ?? {};
    return { line: line + 1, column: column + 1, message: error.reason + hint };
  }
}

/** The offsets of all keys and values, by a walk over the parser's events. */
class Offsets {
  readonly #text: string;
  readonly #events: readonly Event[];
  readonly #keys = new Map<string, number>();
  readonly #values = new Map<string, number>();
  #at = 0;

  constructor(text: string, events: readonly Event[]) {
    this.#text = text;
    this.#events = events;
    if (this.#events[0]?.type === EVENT_ID.DOCUMENT) this.#at = 1;
    if (this.#events[this.#at]?.type !== EVENT_ID.POP) this.#walk([]);
  }

  find(path: Path, of: 'key' | 'value'): number {
    const known = of === 'key' ? this.#keys.get(nameOf(path)) : this.#values.get(nameOf(path));
    if (known !== undefined) return known;
    return path.length === 0 ? 0 : this.find(path.slice(0, -1), 'value');
  }

  #walk(path: Path): void {
    const event = this.#events[this.#at++];
    switch (event?.type) {
      case EVENT_ID.SCALAR: {
        // A missing value has no place of its own, so its key's place counts.
        const start = event.valueStart < 0 ? this.#keys.get(nameOf(path)) : startOf(event);
        if (start !== undefined) this.#values.set(nameOf(path), start);
        return;
      }
      case EVENT_ID.ALIAS:
        this.#values.set(nameOf(path), event.anchorStart - 1);
        return;
      case EVENT_ID.SEQUENCE:
        this.#values.set(nameOf(path), event.start);
        for (let item = 0; this.#more(); item++) this.#walk([...path, item]);
        return;
      case EVENT_ID.MAPPING:
        this.#values.set(nameOf(path), event.start);
        while (this.#more()) this.#pair(path);
    }
  }

  #pair(path: Path): void {
    const key = this.#events[this.#at];
    if (key?.type !== EVENT_ID.SCALAR) {
      this.#walk([...path, 'a key that is no text']);
      this.#walk([...path, 'its value']);
      return;
    }
    this.#at += 1;
    const inner = [...path, getScalarValue(this.#text, key)];
    this.#keys.set(nameOf(inner), startOf(key));
    this.#walk(inner);
  }

  // True: the collection continues; its end is consumed.
  #more(): boolean {
    const event = this.#events[this.#at];
    if (event !== undefined && event.type !== EVENT_ID.POP) return true;
    this.#at += 1;
    return false;
  }
}

function nameOf(path: Path): string {
  return JSON.stringify(path.map(String));
}

// The parser's start of a value is inside the quotes.
function startOf({ valueStart, style }: ScalarEvent): number {
  const quoted = style === SCALAR_STYLE.SINGLE_QUOTED || style === SCALAR_STYLE.DOUBLE_QUOTED;
  return quoted ? valueStart - 1 : valueStart;
}

function lineAndColumn(text: string, offset: number): Pick<Mistake, 'line' | 'column'> {
  const before = text.slice(0, offset).split(/\r\n|\n|\r/);
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
