import type { Observed, Replica } from '../rollout/observed.ts';

/** Describes in one line the containers of a slot as the planner sees them. */
export function describeSeen({ incumbent, candidate, rehearsal, standIn, giveUp }: Observed): string {
  const parts = [
    replica('incumbent', incumbent),
    replica('candidate', candidate),
    replica('rehearsal', rehearsal),
    replica('stand-in', standIn),
    giveUp && `giving up: ${giveUp.message}`,
  ];
  return parts.filter((part) => part !== undefined).join('; ') || 'no container';
}

function replica(role: string, seen: Replica | undefined): string | undefined {
  return seen && `${role} ${seen.name} ${seen.running ? seen.verdict.kind : 'not running'}`;
}
