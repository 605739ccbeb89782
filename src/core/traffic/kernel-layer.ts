import { SwapError } from '../model/error.ts';

/** The kinds of rules by which swapctl moves traffic in the kernel. */
export type RuleKind = 'port redirect' | 'gate' | 'address redirect' | 'connection share';

export const RULE_KINDS: readonly RuleKind[] = ['port redirect', 'gate', 'address redirect', 'connection share'];

/** The ways in which a run of nft can fail. `words`: nft's own. `closed`: the network namespace of a container could not be entered. */
export type RuleTrouble =
  | { readonly kind: 'missing'; readonly program: string }
  | { readonly kind: 'forbidden' | 'closed' | 'refused'; readonly words: string }
  | { readonly kind: 'killed'; readonly signal: string }
  | { readonly kind: 'timeout'; readonly afterMs: number };

/** Rules could not be set or read. */
export class RuleError extends SwapError {
  readonly trouble: RuleTrouble;

  constructor(trouble: RuleTrouble) {
    super('step-failed', describeTrouble(trouble), { hint: adviceOn(trouble) });
    this.name = 'RuleError';
    this.trouble = trouble;
  }
}

/** True: rules may be in force although setting them failed: nft was killed, or hung, perhaps after it had done its work. */
export function mayBeInForce(error: unknown): boolean {
  return error instanceof RuleError && (error.trouble.kind === 'killed' || error.trouble.kind === 'timeout');
}

/**
 * The capability to move traffic in the kernel from here. `noHandover`: why published ports can't be redirected all the same.
 * `refused`: the kinds of rules that nft refused in a trial. `trouble`: the failure of nft, if nft is the cause.
 */
export type KernelLayer =
  | {
      readonly available: true;
      readonly noHandover?: string;
      readonly refused?: Readonly<Partial<Record<RuleKind, RuleTrouble>>>;
    }
  | { readonly available: false; readonly why: string; readonly trouble?: RuleTrouble };

/** Why a kind of rules is unavailable; undefined if it is available. */
export function whyNoRules(layer: KernelLayer, kind: RuleKind): string | undefined {
  if (!layer.available) return layer.why;
  const refused = layer.refused?.[kind];
  return refused && describeTrouble(refused);
}

/** Why published ports can't be redirected; undefined if they can. */
export function whyNoHandover(layer: KernelLayer): string | undefined {
  return whyNoRules(layer, 'port redirect') ?? (layer.available ? layer.noHandover : undefined);
}

/** The protections that a roll lacks, since nft fails: one line each. `ports`: true if the container publishes fixed host ports. */
export function layerNotes(layer: KernelLayer, ports: boolean): string[] {
  // A share that can't be had is refused where a roll asks for it.
  const kinds = RULE_KINDS.filter((kind) => kind !== 'connection share' && (ports || kind !== 'port redirect'));
  if (!layer.available) return isFault(layer.trouble) ? [`no ${listed(kinds)}: ${layer.why}`] : [];
  return kinds.flatMap((kind) => {
    const why = layer.refused?.[kind];
    return why ? [`no ${kind}: ${describeTrouble(why)}; ${withoutRules(kind)}`] : [];
  });
}

// If nft is not installed or not permitted, the machine was set up that way, which is not a fault.
function isFault(trouble: RuleTrouble | undefined): boolean {
  return trouble !== undefined && ['killed', 'refused', 'timeout'].includes(trouble.kind);
}

/** The consequence for rolls if a kind of rules is unavailable. */
export function withoutRules(kind: RuleKind): string {
  switch (kind) {
    case 'port redirect':
      return 'containers that publish fixed host ports are rolled stop-first, after a rehearsal: a short gap';
    case 'gate':
      return 'a new container can be reached before it is healthy, and an old one until it stops';
    case 'address redirect':
      return "clients that keep an old container's address fail once it has stopped";
    case 'connection share':
      return 'swapctl.canary needs a proxy in front that takes weights';
  }
}

/** Describes the failure in one line. */
export function describeTrouble(trouble: RuleTrouble): string {
  switch (trouble.kind) {
    case 'missing':
      return `the program ${trouble.program} is missing`;
    case 'forbidden':
      return `nft is not permitted to set rules (${trouble.words})`;
    case 'closed':
      return `the network of a container can't be entered (${trouble.words})`;
    case 'refused':
      return `nft refuses the rules (${trouble.words})`;
    case 'killed':
      return `nft died by ${trouble.signal}`;
    case 'timeout':
      return `nft did not end within ${trouble.afterMs / 1000} s`;
  }
}

/** The advice for it. */
export function adviceOn(trouble: RuleTrouble): string {
  switch (trouble.kind) {
    case 'missing':
      return `install the package ${trouble.program === 'nft' ? 'nftables' : 'util-linux'}`;
    case 'forbidden':
      return 'run swapctl as root, with CAP_NET_ADMIN';
    case 'closed':
      return 'run swapctl with CAP_SYS_ADMIN and CAP_SYS_PTRACE';
    case 'refused':
      return /\bJSON\b/.test(trouble.words)
        ? 'install an nft with JSON support'
        : 'report it with what nft --version and uname -r print';
    case 'killed':
      return adviceOnDeath(trouble.signal);
    case 'timeout':
      return 'see whether nft list tables ends';
  }
}

function adviceOnDeath(signal: string): string {
  if (signal !== 'SIGSEGV' && signal !== 'SIGABRT')
    return 'something killed it (a lack of memory?): see the log of the kernel';
  return (
    'nft 1.0 crashes on sets that nft 1.1.3 or newer has written (in another container, or for Docker with its nftables backend): ' +
    'install nftables 1.1.3 or newer, and see whether nft list ruleset works'
  );
}

/** Joins texts as in a sentence. */
function listed(texts: readonly string[]): string {
  const last = texts.at(-1) ?? '';
  return texts.length > 1 ? `${texts.slice(0, -1).join(', ')} and ${last}` : last;
}
