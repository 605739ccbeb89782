import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { NAMES } from './builders.ts';
import { type Ending, Process } from './process.ts';
import { BROKEN, type Event, OLD, type Setup, SICK, World } from './world.ts';

// SWAPCTL_PROPERTY_RUNS=50000 is for whoever changes the planner.
const RUNS = Number(process.env.SWAPCTL_PROPERTY_RUNS ?? 1000);

const anySetup: fc.Arbitrary<Setup> = fc.record({
  way: fc.constantFrom('start-first', 'stop-first', 'handover'),
  gates: fc.boolean(),
  rehearse: fc.boolean(),
  autoRemove: fc.boolean(),
  restart: fc.constantFrom('no', 'always', 'on-failure', 'unless-stopped'),
  files: fc.boolean(),
  dependents: fc.boolean(),
  images: fc.array(fc.constantFrom('new-image', 'newer-image', OLD, BROKEN, SICK), { minLength: 1, maxLength: 3 }),
  force: fc.boolean(),
  copies: fc.boolean(),
  keep: fc.nat({ max: 2 }),
  fills: fc.boolean(),
  back: fc.boolean(),
});

// Whose volumes are copied is rolled stop-first, without a rehearsal (core/way.ts).
const setups = anySetup.map(
  (setup): Setup => (setup.copies ? { ...setup, way: 'stop-first', rehearse: false } : setup),
);

const well: Event = { kind: 'well' };
const sicken: Event[] = (['new', 'rehearsal', 'stand-in'] as const).flatMap((target) => [
  { kind: 'sicken', target },
  { kind: 'exit', target },
]);
const machine: Event[] = [
  { kind: 'crash', when: 'before' },
  { kind: 'crash', when: 'middle' },
  { kind: 'crash', when: 'after' },
  { kind: 'step-fails', passing: true },
  { kind: 'step-fails', passing: false },
  { kind: 'interrupt' },
  { kind: 'port-taken' },
  { kind: 'cover-expires' },
  { kind: 'forward-expires' },
  ...sicken,
];
const human: Event[] = [
  { kind: 'rules-lost' },
  { kind: 'copies-pruned' },
  { kind: 'note-pruned' },
  ...(['old', 'new', 'rehearsal', 'stand-in'] as const).flatMap((target): Event[] => [
    { kind: 'human-stops', target },
    { kind: 'human-starts', target },
    { kind: 'human-removes', target },
  ]),
  ...(['old', 'new'] as const).flatMap((target) =>
    ['elsewhere', NAMES.home].map((to): Event => ({ kind: 'human-renames', target, to })),
  ),
];

// A few faults at any distance from each other, so that they meet every phase of a roll and of its undoing.
function scripts(faults: readonly Event[]): fc.Arbitrary<Event[]> {
  const fault = fc.record({ after: fc.nat({ max: 12 }), fault: fc.constantFrom(...faults) });
  return fc
    .array(fault, { maxLength: 6 })
    .map((list) => list.flatMap(({ after, fault }) => [...Array<Event>(after).fill(well), fault]));
}

/** Lets processes come and die until the script is over (or no roll touches the slot any more), and then one more that nothing happens to. */
function live(setup: Setup, script: readonly Event[], atEnd: AtEnd): void {
  const world = new World(setup, script);
  try {
    for (let at = 0, left = world.eventsLeft + 1; 0 < world.eventsLeft && world.eventsLeft < left; at++) {
      left = world.eventsLeft;
      atEnd(world, new Process(world).roll(setup.images[at % setup.images.length] ?? OLD, setup.force && at === 0));
    }
    world.fairWeather();
    atEnd(world, new Process(world).roll(setup.images[0] ?? OLD, false), true);
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\n${world.trace.slice(0, 80).join('\n')}`);
  }
}

type AtEnd = (world: World, ending: Ending, last?: boolean) => void;

function check(faults: readonly Event[], atEnd: (setup: Setup) => AtEnd): void {
  const property = fc.property(setups, scripts(faults), (setup, script) => live(setup, script, atEnd(setup)));
  fc.assert(property, { numRuns: RUNS, includeErrorInReport: true });
}

// An ending after which nothing is left to do: the wish is fulfilled, or what was begun is undone.
function isSettled(ending: Ending): boolean {
  return ending.kind === 'converged' || ending.kind === 'refused';
}

test('whatever fails, a roll that ends leaves one container under its own name, as it was set up, or raises', () => {
  check(machine, (setup) => (world, ending) => {
    if (!isSettled(ending)) return;
    assert.equal(world.boxes.length, 1, 'containers');
    const [box] = world.boxes;
    assert.ok(box?.running, 'it runs');
    assert.ok(!box.sick, 'it is well');
    assert.equal(box.facts.name, NAMES.home);
    assert.equal(box.facts.restart.Name, setup.autoRemove ? 'no' : setup.restart, 'restart policy');
  });
});

test('whatever failed or died, the next roll that nothing happens to ends well, or says that the image is bad', () => {
  check(machine, () => (_, ending, last = false) => {
    if (!last || ending.kind === 'converged') return;
    assert.ok(
      ending.kind === 'refused' && ['known-bad', 'not-healthy'].includes(ending.error.code),
      JSON.stringify(ending),
    );
  });
});

test('only an image that failed by itself is ever remembered as bad', () => {
  check(machine, () => (world) => {
    for (const { image } of world.failures) assert.ok(world.bad.has(image), `${image} did nothing wrong`);
  });
});

test('an image that failed by itself is not tried a second time', () => {
  // One that removes itself on exit leaves nothing to remember it by, and the success of another image forgets.
  check(sicken, (setup) => (world) => {
    if (setup.force || setup.autoRemove || new Set(setup.images).size > 1) return;
    const tries = world.trace.filter((line) => line.includes('"create"')).length;
    assert.ok(tries <= 1, `${tries} tries`);
  });
});

test('a roll that was undone leaves the tag where it was', () => {
  const survivable = machine.filter((event) => event.kind !== 'crash');
  check(survivable, () => {
    let raised = false;
    return (world, ending) => {
      // Where no candidate is left, a later process has nowhere to read from where the tag was.
      raised ||= ending.kind === 'raised';
      if (isSettled(ending) && !raised) assert.equal(world.localTag, world.boxes[0]?.facts.imageId);
    };
  });
});

test('who serves in the end finds in its volume what it, and those it came after, wrote, and nothing is lost', () => {
  check([...machine, { kind: 'human-starts', target: 'old' }], (setup) => (world, ending) => {
    if (!setup.copies || !isSettled(ending) || world.meddledWith || world.members().length !== 1) return;
    const [box] = world.boxes;
    const own = world.data.filter((entry) => entry.startsWith(`${box?.id}#`));
    assert.ok(own.length > 0, 'its last start');
    for (const entry of world.data) assert.ok(box?.forebears.includes(entry.split('#')[0] ?? ''), entry);
    if (!setup.fills) assert.deepEqual(world.data, world.written(box), 'nothing is lost');
  });
});

test('no more copies are left than are kept, and one of a roll that failed', () => {
  check(machine, (setup) => (world, ending, last = false) => {
    if (!last || !isSettled(ending)) return;
    assert.ok(world.backups.length <= setup.keep + (setup.keep > 0 ? 1 : 0) + 1, `${world.backups.length} copies`);
    assert.equal(world.halfCopied, undefined);
  });
});

test('dependents follow the container that serves', () => {
  check(machine, (setup) => (world, ending) => {
    if (setup.autoRemove || !isSettled(ending)) return;
    for (const { on } of world.dependents) assert.equal(on, world.boxes[0]?.id);
  });
});

test('whatever people do in the middle, no promise is broken, and the loop ends', () => {
  check([...machine, ...human], () => (world, ending) => {
    if (ending.kind !== 'converged') return;
    assert.equal(world.members().length, 1);
    assert.equal(world.members()[0]?.facts.name, NAMES.home);
  });
});

test("a roll that ends in people's way leaves the restart policy as it was, unless a process died that knew it", () => {
  const survivable = [...machine, ...human].filter((event) => event.kind !== 'crash');
  check(survivable, (setup) => {
    let known = true;
    return (world, ending) => {
      known &&= isSettled(ending) && !(ending.kind === 'refused' && ending.error.code === 'attention');
      if (!known || setup.autoRemove) return;
      for (const { facts } of world.members()) assert.equal(facts.restart.Name, setup.restart, facts.name);
    };
  });
});
