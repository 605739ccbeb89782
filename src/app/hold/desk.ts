import type { HeldRoll, HoldWanted, InterruptedGroup } from '../../core/group/held-roll.ts';
import type { ContainerSummary } from '../../core/model/container.ts';
import type { PinnedImage } from '../../core/model/image.ts';
import type { Call } from '../../core/report/call.ts';
import { findService, groupServices, type Service } from '../../core/service/service.ts';
import type { Ports } from '../../ports/ports.ts';
import { previousImage } from '../inspect/history.ts';
import type { RollOptions } from '../rollout/roll-slot.ts';
import { listed } from '../select/own.ts';
import { holdService, recoverFirst } from './hold.ts';
import { interruptedGroups } from './interrupted-groups.ts';

/** The use cases of one host in a group of hosts. */
export interface HoldDesk<Request extends Call> {
  /** Finishes or undoes the interrupted roll of a service, if there is one. Raises `busy` if a living process rolls it. */
  recover(selector: string, request: Request): Promise<void>;
  /** Locks a service for a later roll or rollback. Raises the errors that a roll raises before its first change. */
  hold(selector: string, request: Request, wanted: HoldWanted): Promise<HeldRoll>;
  /** The image that a rollback goes to. Raises `no-history`. */
  previous(selector: string, image: string | undefined): Promise<PinnedImage>;
  /** The rolls of groups that died, by the locks on this engine. */
  interrupted(): Promise<InterruptedGroup[]>;
  /** The ids of all containers, which no other engine has. */
  containers(): Promise<string[]>;
}

/** The conversion of requests into rolls, and the ports of each request. */
export interface HoldTools<Request extends Call> {
  roll(request: Request): RollOptions;
  back(ports: Ports, service: Service, request: Request): Promise<RollOptions>;
  calledBy(ports: Ports, request: Request): Ports;
}

export function holdDesk<Request extends Call>(
  ports: Ports,
  { roll, back, calledBy }: HoldTools<Request>,
): HoldDesk<Request> {
  const finding = (selector: string) => (all: readonly ContainerSummary[]) => findService(groupServices(all), selector);
  return {
    recover: (selector, request) => recoverFirst(calledBy(ports, request), finding(selector), request.signal),
    hold: (selector, request, wanted) =>
      holdService(calledBy(ports, request), {
        group: wanted.group,
        find: finding(selector),
        options: async (service) => (wanted.back ? back(ports, service, request) : roll(request)),
      }),
    previous: async (selector, image) => {
      const service = findService(groupServices(await listed(ports.engine)), selector);
      return previousImage(ports, service, image);
    },
    interrupted: () => interruptedGroups(ports),
    containers: async () => (await listed(ports.engine)).map(({ id }) => id),
  };
}
