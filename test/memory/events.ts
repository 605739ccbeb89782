// The engine's events, and the time for which it remembers them.
import type { EngineEvent } from '../../src/core/model/event.ts';
import type { Engine } from '../../src/ports/engine.ts';
import { boxOf, type Happening, type Machine } from './machine.ts';

const REMEMBERED = 256;
// As the adapter filters them.
const TELLING = new Set(['create', 'start', 'die', 'destroy', 'rename', 'update', 'pause', 'unpause']);
const NAMING = new Set(['tag', 'load', 'pull']);

/** Signals that end no program here, though a program may end itself on them. */
export const ENDS_NOBODY: ReadonlySet<string> = new Set(['HUP', 'CONT']);

/** Records an event. */
export function tell(machine: Machine, type: Happening['type'], id: string, action: string, name?: string): void {
  const last = machine.happenings.at(-1)?.timeNano ?? 0;
  // As precise as a number can be, and unique.
  const timeNano = Math.max(machine.clock.now() * 1e6, last + 1024);
  const happening = { timeNano, type, id, action, name };
  machine.happenings.push(happening);
  if (machine.happenings.length > REMEMBERED) machine.happenings.shift();
  for (const listener of machine.listeners) listener(happening);
}

/** A starting daemon has no record of the past. */
export function forget(machine: Machine): void {
  machine.happenings.length = 0;
}

export function eventCalls(machine: Machine): Pick<Engine, 'events' | 'wasStopped' | 'lastExit' | 'isStopping'> {
  return {
    events: (since, signal) => eventsSince(machine, since, signal),
    wasStopped: async (id) => {
      const box = boxOf(machine, id);
      const whole = box?.id ?? id;
      const since = (box?.startedAt ?? 0) * 1e6;
      const own = machine.happenings.filter((one) => one.id === whole && one.timeNano >= since);
      if (own.some((one) => one.action === 'stop' || isKill(one))) return true;
      return own.some(({ action }) => action === 'die') ? false : undefined;
    },
    lastExit: async (id) => {
      const whole = boxOf(machine, id)?.id ?? id;
      const last = machine.happenings.findLast((one) => one.id === whole && one.action === 'die');
      return last && Number(last.name);
    },
    isStopping: async (id) => {
      const box = boxOf(machine, id);
      if (box?.status !== 'running') return false;
      const own = machine.happenings.filter((one) => one.id === box.id && one.timeNano >= box.startedAt * 1e6);
      return own.some(isKill);
    },
  };
}

function isKill({ action, name }: Happening): boolean {
  return action === 'kill' && !ENDS_NOBODY.has(name ?? '');
}

async function* eventsSince(machine: Machine, since: number, signal: AbortSignal): AsyncGenerator<EngineEvent> {
  const queue = machine.happenings.filter(({ timeNano }) => timeNano >= since);
  let wake: () => void = () => {};
  const listener = (happening: Happening): void => {
    queue.push(happening);
    wake();
  };
  machine.listeners.add(listener);
  signal.addEventListener('abort', () => wake(), { once: true });
  try {
    while (!signal.aborted) {
      const next = queue.shift();
      if (next) yield* shown(next);
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  } finally {
    machine.listeners.delete(listener);
  }
}

function* shown({ timeNano, type, id, action, name }: Happening): Generator<EngineEvent> {
  if (type === 'container' && TELLING.has(action)) yield { kind: 'container', timeNano, id, action };
  if (type === 'image' && NAMING.has(action)) {
    const reference = action === 'pull' ? id : action === 'tag' ? name : undefined;
    yield { kind: 'image', timeNano, id, action, reference };
  }
}
