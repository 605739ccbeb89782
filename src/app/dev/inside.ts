import type { DevExec, SyncedFile } from '../../core/build/develop.ts';
import { isSourceChange } from '../../core/build/source-changed.ts';
import { healthCheck } from '../../core/health/health.ts';
import type { ContainerSummary } from '../../core/model/container.ts';
import { EngineError } from '../../core/model/engine-error.ts';
import { fail } from '../../core/model/error.ts';
import { FOLLOWED } from '../../core/update/roll-target.ts';
import type { Ports } from '../../ports/ports.ts';
import { prepareSlot } from '../rollout/prepare.ts';
import { probe } from '../rollout/steps/probe.ts';
import { listed } from '../select/own.ts';
import { runningOf } from './service.ts';

const REMOVE_MS = 30_000;
const EXEC_MS = 10 * 60_000;
const SURVIVE_MS = 2000;
const LOOK_EVERY_MS = 200;
const NAMES_AT_ONCE = 500;
const UNSTEADY_MS = 200;

/** Copies files into every running replica of a service, and removes deleted ones. Raises `step-failed`. */
export async function syncFiles(ports: Ports, key: string, files: readonly SyncedFile[]): Promise<void> {
  const gone = files.filter(({ removed }) => removed).map(({ target }) => target);
  const there = files.filter(({ removed }) => !removed);
  for (const { id, name } of await runningOf(ports, key)) {
    await explaining(name, async () => {
      await removeFiles(ports, id, name, gone);
      if (there.length > 0) await copyInto(ports, id, there);
    });
  }
}

// A file may still be changing; the next event reports the rest.
async function copyInto(ports: Ports, id: string, files: readonly SyncedFile[], left = 4): Promise<void> {
  try {
    await ports.engine.unpack(id, ports.sources.pack(files));
  } catch (error) {
    if (left === 0 || !isSourceChange(error)) throw error;
    await ports.clock.sleep(UNSTEADY_MS);
    await copyInto(ports, id, files, left - 1);
  }
}

async function removeFiles(ports: Ports, id: string, name: string, paths: readonly string[]): Promise<void> {
  for (let at = 0; at < paths.length; at += NAMES_AT_ONCE) {
    const command = ['rm', '-rf', '--', ...paths.slice(at, at + NAMES_AT_ONCE)];
    const { exitCode, output } = await ports.engine.exec(id, command, { timeoutMs: REMOVE_MS, user: '0' });
    if (exitCode !== 0)
      fail('step-failed', `${name}: ${paths.length} files could not be removed in it: ${output.trim()}`, {
        hint: REBUILD,
      });
  }
}

const REBUILD = 'a rebuild brings it up to date: save a file of a rebuild rule, or roll it';

async function explaining(name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const readOnly = /read-?only/i.test(error.message);
    fail('step-failed', `${name}: files can't be copied into it: ${error.message}`, {
      hint: readOnly ? 'use rebuild instead of sync for a read-only container' : REBUILD,
      cause: error,
    });
  }
}

/** Runs a command in every running replica; resolves with its output if it failed, else with undefined. */
export async function execInside(
  ports: Ports,
  key: string,
  { command, ...how }: DevExec,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const { id, name } of await runningOf(ports, key)) {
    const { exitCode, output } = await ports.engine.exec(id, command, { ...how, timeoutMs: EXEC_MS, signal });
    ports.report({ kind: 'debug', text: `${name}: ${command.join(' ')}: ${output.trim()}` });
    if (exitCode !== 0) return `${name}: ${command.join(' ')} ended with ${exitCode}: ${output.trim()}`;
  }
  return undefined;
}

/**
 * Sends a signal to every running replica and watches briefly if it lives on. Resolves with the reason if it does not, else with
 * undefined; starts a container that ended again at once.
 */
export async function signalInside(ports: Ports, key: string, signal: string): Promise<string | undefined> {
  for (const member of await runningOf(ports, key)) {
    const died = await signalOne(ports, key, member, signal);
    if (died) return died;
  }
  return undefined;
}

async function signalOne(
  ports: Ports,
  key: string,
  member: ContainerSummary,
  signal: string,
): Promise<string | undefined> {
  const { id, name } = member;
  const before = await ports.engine.container(id);
  await ports.engine.kill(id, signal);
  const until = ports.clock.now() + SURVIVE_MS;
  while (ports.clock.now() < until) {
    const now = await ports.engine.container(id);
    if (now?.status !== 'running' || now.startedAt !== before?.startedAt) {
      if (now?.status === 'exited') await ports.engine.start(id);
      return `${name} did not survive ${signal}${now ? ` (exit status ${now.exitCode})` : ''}`;
    }
    await ports.clock.sleep(LOOK_EVERY_MS);
  }
  const ill = await illness(ports, key, member);
  return ill === undefined ? undefined : `${name} is not healthy after ${signal}: ${ill}`;
}

async function illness(ports: Ports, key: string, member: ContainerSummary): Promise<string | undefined> {
  const all = await listed(ports.engine);
  const slot = { slotName: member.name, members: [member] };
  const { container, policy } = await prepareSlot(ports, key, slot, all, { overrides: {}, target: FOLLOWED });
  const check = healthCheck(container, policy);
  if (!check) return undefined;
  const { ok, output } = await probe(ports, container, check.probe, check.timeoutMs, new AbortController().signal);
  return ok ? undefined : output || 'its health check failed';
}
