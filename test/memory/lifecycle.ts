// The start, end, stop and restart of containers.
import type { Joined } from '../../src/core/traffic/routes.ts';
import { answersAt, freshHealth } from './apps.ts';
import { remove } from './containers.ts';
import { ENDS_NOBODY, forget, tell } from './events.ts';
import { type Box, changed, isUp, type Machine, mustBox, refuse } from './machine.ts';
import { join, leave, publish, unpublish } from './networks.ts';

const DEFAULT_GRACE_S = 10;
const RESTART_MS = 100;

const REPORT_MS = 5;

/** The same, with its addresses as late as Docker 28 reports them: when clients can use them already. */
export async function startJoined(machine: Machine, reference: string, joined: Joined): Promise<void> {
  const box = mustBox(machine, reference);
  const runs = isUp(box);
  start(machine, reference);
  if (runs) return;
  await machine.clock.sleep(REPORT_MS);
  await joined(box.networks);
}

/** Starts a container; leaves a running one as it is. */
export function start(machine: Machine, reference: string): void {
  const box = mustBox(machine, reference);
  if (box.status === 'running' || box.status === 'restarting') return;
  if (box.status === 'paused') refuse(409, 'cannot start a paused container, try unpause instead');
  if (box.status === 'removing') refuse(409, 'container is marked for removal and cannot be started');
  box.stoppedByHand = false;
  box.restartCount = 0;
  begin(machine, box);
}

function begin(machine: Machine, box: Box): void {
  try {
    join(machine, box);
    box.published = publish(machine, box);
    if (isMissing(box)) refuse(400, noProgram(box));
  } catch (error) {
    notBegun(machine, box, error);
    throw error;
  }
  box.status = 'running';
  box.pid = 1000 + ++machine.count;
  box.exitCode = 0;
  box.error = '';
  box.startedAt = machine.clock.now();
  box.sickSince = Infinity;
  box.health = freshHealth();
  box.run++;
  changed(machine, box);
  tell(machine, 'container', box.id, 'start');
  live(machine, box);
}

function isMissing({ app, config }: Box): boolean {
  return app.missing === true || config.Entrypoint?.[0]?.startsWith('/swapctl') === true;
}

function noProgram({ config }: Box): string {
  const program = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])][0] ?? '';
  return `OCI runtime create failed: exec: ${JSON.stringify(program)}: executable file not found in $PATH: unknown`;
}

function notBegun(machine: Machine, box: Box, error: unknown): void {
  leave(machine, box);
  unpublish(machine, box);
  box.published = [];
  box.error = error instanceof Error ? error.message : String(error);
  box.exitCode = isMissing(box) ? 127 : 128;
  changed(machine, box);
  if (box.host.AutoRemove && box.startedAt > 0) remove(machine, box, { volumes: true });
}

// The behaviour of its program from its start on.
function live(machine: Machine, box: Box): void {
  const { app, config, run } = box;
  for (const line of app.prints ?? []) box.logs.push(line);
  if (app.writes !== undefined) write(machine, box, app.writes);
  const [program, ...args] = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  if (program?.endsWith('/rm')) return void later(machine, box, run, 5, () => erase(machine, box, args));
  if (app.ends) {
    const { afterMs, code } = app.ends;
    later(machine, box, run, afterMs, () => end(machine, box, code));
  }
}

function later(machine: Machine, box: Box, run: number, ms: number, act: () => void): void {
  machine.clock.alarm(machine.clock.now() + ms, () => {
    if (box.run === run && box.status === 'running') act();
  });
}

function write(machine: Machine, box: Box, text: string): void {
  for (const { name, writable } of box.mounts)
    if (writable) machine.volumes.get(name)?.files.set(`${box.id.slice(0, 12)}-${box.run}`, text);
}

// `rm -rf` of folders on which something is mounted empties them, and complains that they themselves stay.
function erase(machine: Machine, box: Box, args: readonly string[]): void {
  for (const { name, target } of box.mounts) if (args.includes(target)) machine.volumes.get(name)?.files.clear();
  end(machine, box, 1);
}

/** The process of a container ends, by itself or by a signal. */
export function end(machine: Machine, box: Box, code: number): void {
  if (!isUp(box)) return;
  down(machine, box, code);
  tell(machine, 'container', box.id, 'die', String(code));
  if (box.host.AutoRemove) {
    box.status = 'removing';
    machine.clock.alarm(machine.clock.now() + 2, () => vanish(machine, box));
  } else if (comesAgain(box, code)) comeAgain(machine, box);
}

function vanish(machine: Machine, box: Box): void {
  if (machine.boxes.has(box.id)) remove(machine, box, { force: true, volumes: true });
}

function down(machine: Machine, box: Box, code: number): void {
  leave(machine, box);
  unpublish(machine, box);
  box.published = [];
  box.status = 'exited';
  box.pid = 0;
  box.exitCode = code;
  box.finishedAt = machine.clock.now();
  changed(machine, box);
}

function comesAgain({ host, stoppedByHand, restartCount }: Box, code: number): boolean {
  const { Name, MaximumRetryCount = 0 } = host.RestartPolicy ?? { Name: 'no' };
  if (stoppedByHand) return false;
  if (Name === 'on-failure') return code !== 0 && (MaximumRetryCount === 0 || restartCount < MaximumRetryCount);
  return Name === 'always' || Name === 'unless-stopped';
}

function comeAgain(machine: Machine, box: Box): void {
  box.status = 'restarting';
  const { run } = box;
  machine.clock.alarm(machine.clock.now() + RESTART_MS * 2 ** Math.min(box.restartCount, 8), () => {
    if (box.status !== 'restarting' || box.run !== run || !machine.up) return;
    box.status = 'exited';
    box.restartCount++;
    try {
      begin(machine, box);
    } catch {
      // The container records it.
    }
  });
}

/** Stops a container with its own signal and timeout, and resolves once it has stopped. */
export async function stop(machine: Machine, box: Box): Promise<void> {
  if (!isUp(box)) return;
  box.stoppedByHand = true;
  if (box.status === 'restarting') return void down(machine, box, box.exitCode);
  if (box.status === 'paused') unpause(machine, box);
  tell(machine, 'container', box.id, 'kill', 'TERM');
  // It rejects new requests from now on.
  box.sickSince = Math.min(box.sickSince, machine.clock.now());
  const graceMs = (box.config.StopTimeout ?? DEFAULT_GRACE_S) * 1000;
  const { stopMs, stopCode } = box.app;
  const { run } = box;
  await machine.clock.sleep(Math.min(stopMs, graceMs));
  if (box.run !== run || !isUp(box)) return;
  end(machine, box, stopMs <= graceMs ? stopCode : 137);
  tell(machine, 'container', box.id, 'stop');
}

/** Stops a container and starts it again; its `--rm` does not count meanwhile. */
export async function restart(machine: Machine, box: Box): Promise<void> {
  const { AutoRemove = false } = box.host;
  box.host = { ...box.host, AutoRemove: false };
  await stop(machine, box);
  box.host = { ...box.host, AutoRemove };
  start(machine, box.id);
}

/** Sends a signal. */
export async function kill(machine: Machine, box: Box, signal: string): Promise<void> {
  if (!isUp(box)) refuse(409, `Cannot kill container: ${box.id}: Container ${box.id} is not running`);
  const name = signal.replace(/^SIG/, '');
  tell(machine, 'container', box.id, 'kill', name);
  if (name === 'HUP' && box.app.reloadCode !== undefined) end(machine, box, box.app.reloadCode);
  if (ENDS_NOBODY.has(name)) return;
  if (name === 'KILL' || name === 'TERM') box.stoppedByHand = true;
  if (name === 'TERM' && box.app.stopMs === Infinity) return;
  if (name === 'TERM') await machine.clock.sleep(box.app.stopMs);
  end(machine, box, name === 'KILL' ? 137 : box.app.stopCode);
}

/** Resolves with the exit code of a container once it is not running. */
export async function ended(machine: Machine, box: Box, signal: AbortSignal | undefined): Promise<number> {
  while (isUp(box) && !signal?.aborted) await machine.clock.sleep(5, signal);
  if (signal?.aborted) refuse(0, 'the wait was interrupted');
  return box.exitCode;
}

/** Resolves once a container is removed. */
export async function gone(machine: Machine, box: Box): Promise<void> {
  while (machine.boxes.has(box.id)) await machine.clock.sleep(1);
}

export function pause(machine: Machine, box: Box): void {
  if (box.status !== 'running') refuse(409, `Container ${box.id} is not running`);
  box.status = 'paused';
  changed(machine, box);
  tell(machine, 'container', box.id, 'pause');
}

export function unpause(machine: Machine, box: Box): void {
  if (box.status !== 'paused') refuse(500, `Container ${box.id} is not paused`);
  box.status = 'running';
  changed(machine, box);
  tell(machine, 'container', box.id, 'unpause');
}

/** True: the container answers now. */
export function answers(machine: Machine, box: Box): boolean {
  return answersAt(box, machine.clock.now());
}

/** The daemon goes away: stopped, as for an upgrade, or killed. Its containers end, too, unless they live without it. */
export async function daemonGoes(machine: Machine, going: 'stopped' | 'killed'): Promise<void> {
  if (going === 'stopped' && !machine.liveRestore)
    await Promise.all([...machine.boxes.values()].map(byDaemon(machine)));
  machine.up = false;
}

// It stops them as a user does, except that it starts them again.
function byDaemon(machine: Machine): (box: Box) => Promise<void> {
  return async (box) => {
    if (!isUp(box)) return;
    const byHand = box.stoppedByHand;
    await stop(machine, box);
    box.stoppedByHand = byHand;
  };
}

/** The daemon is back, without records of the past, and starts the containers that it has to. */
export function daemonComes(machine: Machine): void {
  machine.up = true;
  forget(machine);
  for (const box of [...machine.boxes.values()]) revive(machine, box);
}

function revive(machine: Machine, box: Box): void {
  // It ends containers that a killed daemon left running.
  if (isUp(box) && !machine.liveRestore) {
    down(machine, box, 137);
    if (box.host.AutoRemove) remove(machine, box, { force: true, volumes: true });
  }
  if (!machine.boxes.has(box.id)) return;
  const { Name } = box.host.RestartPolicy ?? { Name: 'no' };
  const wanted = Name === 'always' || (Name === 'unless-stopped' && !box.stoppedByHand);
  const failed = Name === 'on-failure' && box.exitCode !== 0;
  if (isUp(box) || box.status === 'created' || !(wanted || failed)) return;
  try {
    box.stoppedByHand = false;
    begin(machine, box);
  } catch {
    // The container records it.
  }
}
