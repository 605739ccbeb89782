import type { ContainerSummary } from '../../core/model/container.ts';
import { fail } from '../../core/model/error.ts';
import { type Following, whyNotOne } from '../../core/service/one-service.ts';
import type { Service, Slot } from '../../core/service/service.ts';
import type { Ports } from '../../ports/ports.ts';
import { pick } from '../select/chosen.ts';
import { listed } from '../select/own.ts';
import { trackedReferenceOf } from '../select/tracked-reference.ts';

/** The present service of a key. Raises `refused` if its replicas track different repositories. */
export async function developedService(ports: Ports, key: string): Promise<Service> {
  const service = pick(await listed(ports.engine), [key], key);
  await mustBeOne(ports, service);
  return service;
}

/** The running replicas of the same. */
export async function runningOf(ports: Ports, key: string): Promise<ContainerSummary[]> {
  const { slots } = await developedService(ports, key);
  return slots.flatMap(({ members }) => members).filter(({ status }) => status === 'running');
}

// A container that is only labelled as a replica of another user's service gets no files and no commands.
export async function mustBeOne(ports: Ports, { key, slots }: Service): Promise<void> {
  if (slots.length < 2) return;
  const why = whyNotOne(await Promise.all(slots.map((slot) => followingOf(ports, slot))));
  if (why) fail('refused', `${key}: ${why.message}`, { hint: why.hint });
}

async function followingOf(ports: Ports, { slotName, members: [member] }: Slot): Promise<Following> {
  return { slotName, follows: member && (await trackedReferenceOf(ports, member, undefined)) };
}
