// swapctl is killed as with kill -9, at one exact moment: before a step, after it, or between the engine's work and its answer. Then it
// is recovered, or rolled again, or left alone for a while first.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RecoveredItem } from '../../src/core/report/status.ts';
import { type CliResult, startSwapctl, swapctl } from '../lab/cli.ts';
import { type Call, faultProxy } from '../lab/fault-proxy.ts';
import { eventually } from '../lab/waiting.ts';
import type { Scope, World } from '../lab/world.ts';
import type { Outcome, Tried } from './cell.ts';
import { type Moment, momentReader, momentText } from './moments.ts';
import {
  commandOf,
  hasBadImage,
  type Prepared,
  prepare,
  rollArgs,
  SCENARIOS,
  type Scenario,
  type ScenarioName,
} from './scenarios.ts';
import { answering, assertSafe, endExpiring, removeSubject } from './subject.ts';

/** The moment of the kill: at a line of output, or at the nth changing call. */
export type KillAt = Moment | { when: 'answered'; call: string; nth: number };

/** The event after the kill; `waiting`: only time passes, until everything with a lifetime has ended, and then the recovery. */
export type Then = 'recover' | 'roll' | 'waiting';
export const THENS: readonly Then[] = ['recover', 'roll', 'waiting'];

export interface Kill {
  way: ScenarioName;
  at: KillAt;
}

/** Every moment of an undisturbed run, in its order. Fails if that does not end where the scenario ends. */
export async function momentsOf(world: World, way: ScenarioName): Promise<KillAt[]> {
  const { ends, memories }: Scenario = SCENARIOS[way];
  const subject = await prepare(world, way);
  try {
    return await scoped(async (scope) => {
      const proxy = await faultProxy(scope, world);
      const moments: KillAt[] = [];
      const read = momentReader();
      const { code, stderr, stdout } = await swapctl(commandOf(way, subject), {
        env: proxy.engine.env,
        netns: world.netns,
        atLine: async (line) => {
          const moment = read(line);
          if (moment) moments.push(moment);
        },
      });
      assert.equal(code, hasBadImage(way) ? 1 : 0, stdout + stderr);
      assert.equal(await assertSafe(subject, memories), ends);
      return [...moments, ...callsOf(proxy.calls)];
    });
  } finally {
    await removeSubject(subject);
  }
}

// Heartbeats follow the clock, so their calls are no moments of the roll.
function callsOf(calls: readonly Call[]): KillAt[] {
  const changing = calls.filter(({ changes, what }) => changes && !what.endsWith('/update'));
  return changing.map(({ what }, at) => ({
    when: 'answered',
    call: what,
    nth: changing.slice(0, at + 1).filter((call) => call.what === what).length,
  }));
}

export function killText(at: KillAt): string {
  return at.when === 'answered' ? `${at.call}#${at.nth}` : momentText(at).replace(/^\w+ /, '');
}

/** The fault's name in the table. */
export function faultOf({ when }: Pick<KillAt, 'when'>): string {
  return when === 'answered' ? 'killed when the engine had done' : `killed ${when}`;
}

/** Kills some rolls, one each, and then does the same for all of them: one `recover` covers several services. */
export async function tryKills(world: World, kills: readonly Kill[], then: Then): Promise<Tried[]> {
  const rolls = await Promise.all(kills.map((kill) => attempt(() => killedAndLeft(world, kill, then))));
  const services = rolls.flatMap((roll) => ('value' in roll && roll.value.dead ? [roll.value.subject.service] : []));
  const recovering = then === 'roll' || services.length === 0 ? undefined : recovered(world, services);
  const ends = await Promise.all(
    rolls.map((roll) => ('why' in roll ? roll : attempt(() => endOf(roll.value, then, recovering)))),
  );
  return ends.map((end, at) => {
    const { way, at: moment } = kills[at] as Kill;
    const cell = { topic: 'kill' as const, way, fault: faultOf(moment), moment: killText(moment) };
    return 'value' in end
      ? { ...cell, safe: true, outcome: end.value }
      : { ...cell, safe: false, why: `then ${then}: ${end.why}` };
  });
}

async function killedAndLeft(world: World, kill: Kill, then: Then): Promise<Roll & { gapMs: number | undefined }> {
  const roll = await killed(world, kill);
  return { ...roll, gapMs: roll.dead ? await leftAlone(kill, roll.subject, then) : undefined };
}

async function endOf(
  { kill, subject, dead, gapMs }: Roll & { gapMs: number | undefined },
  then: Then,
  recovering: Promise<Recovery> | undefined,
): Promise<Outcome> {
  try {
    return dead ? await madeGood(kill, subject, gapMs, then, recovering) : { text: 'not met', notMet: true };
  } finally {
    await removeSubject(subject);
  }
}

/** A roll that was killed. */
export interface Roll {
  kill: Kill;
  subject: Prepared;
  /** False if the moment never came. */
  dead: boolean;
}

async function attempt<T>(work: () => Promise<T>): Promise<{ value: T } | { why: string }> {
  try {
    return { value: await work() };
  } catch (error) {
    return { why: error instanceof Error ? error.message : String(error) };
  }
}

/** A service whose roll was killed at that moment. */
export async function killed(world: World, kill: Kill): Promise<Roll> {
  const { way, at } = kill;
  const subject = await prepare(world, way);
  const { endedBy, code, stderr, stdout } =
    at.when === 'answered' ? await killedAtCall(way, subject, at) : await killedAtLine(way, subject, at);
  const dead = endedBy === 'SIGKILL';
  assert.ok(dead || code <= 1, `the roll ended otherwise:\n${stdout}${stderr}`);
  return { kill, subject, dead };
}

function killedAtLine(way: ScenarioName, subject: Prepared, at: Moment): Promise<CliResult> {
  const { world } = subject;
  const read = momentReader();
  return swapctl(commandOf(way, subject), {
    env: world.env,
    netns: world.netns,
    atLine: async (line, kill) => {
      const moment = read(line);
      if (moment && momentText(moment) === momentText(at)) kill('SIGKILL');
    },
  });
}

function killedAtCall(
  way: ScenarioName,
  subject: Prepared,
  { call, nth }: { call: string; nth: number },
): Promise<CliResult> {
  const { world } = subject;
  return scoped(async (scope) => {
    const proxy = await faultProxy(scope, world);
    const roll = startSwapctl(commandOf(way, subject), { env: proxy.engine.env, netns: world.netns });
    const act = async () => {
      roll.kill('SIGKILL');
      await roll.result;
    };
    proxy.arm(
      { kind: 'meanwhile', act },
      (one, calls) => one.what === call && calls.filter(({ what }) => what === call).length === nth,
    );
    return roll.result;
  });
}

const WATCH_MS = 600;

/**
 * Leaves the service alone for a while: a container keeps answering, except in scenarios with a gap. Resolves with the length of the gap,
 * in milliseconds.
 */
async function leftAlone({ way }: Kill, subject: Prepared, then: Then): Promise<number | undefined> {
  let gapMs = await longestGap(subject);
  if (then === 'waiting') {
    await endExpiring(subject);
    gapMs = Math.max(gapMs, await longestGap(subject));
  }
  const answers = (await answering(subject)) !== undefined;
  const { gap }: Scenario = SCENARIOS[way];
  if (!answers && !gap) await eventually('it goes on answering', () => answering(subject));
  return answers && gapMs < WATCH_MS ? undefined : gapMs;
}

async function longestGap(subject: Prepared): Promise<number> {
  const until = Date.now() + WATCH_MS;
  let longest = 0;
  let last = Date.now();
  do {
    const version = await answering(subject);
    longest = Math.max(longest, Date.now() - last);
    if (version !== undefined) last = Date.now();
    await sleep(50);
  } while (Date.now() < until);
  return longest;
}

/** The repair after the kill works, and everything is in a good state. */
async function madeGood(
  kill: Kill,
  subject: Prepared,
  gapMs: number | undefined,
  then: Then,
  recovering: Promise<Recovery> | undefined,
): Promise<Outcome> {
  const { memories, ends, command }: Scenario = SCENARIOS[kill.way];
  const began = Date.now();
  const text = recovering ? recoveredWord(subject, await recovering) : await rolledAgain(kill.way, subject);
  const recoveryMs = recovering ? (await recovering).ms : Date.now() - began;
  const version = await assertSafe(subject, memories).catch((error) => {
    throw new Error(`${text}, and then: ${error.message}`);
  });
  if (then === 'roll' && command === 'roll') assert.equal(version, ends, text);
  return { text: `${then === 'waiting' ? 'waited, ' : ''}${text}`, recoveryMs, ...(gapMs !== undefined && { gapMs }) };
}

interface Recovery {
  items: readonly RecoveredItem[];
  ms: number;
  said: string;
}

async function recovered(world: World, services: readonly string[]): Promise<Recovery> {
  const began = Date.now();
  const { json, stdout, stderr } = await swapctl(['recover', ...services, '--json', '--verbose'], {
    env: world.env,
    netns: world.netns,
  });
  return { items: json(), ms: Date.now() - began, said: stdout + stderr };
}

function recoveredWord(subject: Prepared, { items, said }: Recovery): string {
  const own = items.filter(({ slot }) => subject.slots.includes(slot));
  for (const { outcome, error } of own)
    assert.ok(outcome !== 'failed' && outcome !== 'busy', `${outcome} ${JSON.stringify(error)}\n${said}`);
  const words = own.flatMap(({ outcome }) => (outcome === 'removed' ? [] : outcome));
  return words.length > 0 ? [...new Set(words)].join(' and ') : 'nothing to do';
}

async function rolledAgain(way: ScenarioName, { world, service }: Prepared): Promise<string> {
  const { code, json, stdout, stderr } = await swapctl(rollArgs(service), { env: world.env, netns: world.netns });
  const { outcome, error } = json();
  const meant = hasBadImage(way) ? ['not-healthy', 'known-bad'].includes(error?.code) : code === 0;
  assert.ok(meant, `the next roll: ${stdout}${stderr}`);
  return error?.code ?? outcome;
}

/** Its objects are removed in the end. */
export async function scoped<T>(work: (scope: Scope) => Promise<T>): Promise<T> {
  const cleanUps: (() => Promise<void>)[] = [];
  try {
    return await work({ after: (cleanUp) => void cleanUps.unshift(cleanUp) });
  } finally {
    for (const cleanUp of cleanUps) await cleanUp();
  }
}
