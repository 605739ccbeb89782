import type { App } from '../../app/app.ts';
import type { GroupApp } from '../../app/group/group.ts';
import type { TokenDesk } from '../../core/access/desk.ts';
import type { SnippetDesk } from '../../core/proxy/snippet.ts';
import type { ConfigDesk } from '../../core/settings/config.ts';
import type { InstallDesk } from '../../core/update/units.ts';
import type { HookTrial } from '../../core/webhooks/hint.ts';
import type { HookConfig } from '../../core/webhooks/kinds.ts';
import type { Report, Terminal } from '../terminal/terminal.ts';

/** Everything that the command line needs of the world. */
export interface CliContext {
  readonly terminal: Terminal;
  readonly version: string;
  /** Aborted by the first SIGINT or SIGTERM, and by a SIGHUP that nobody asked to be told of. */
  readonly signal: AbortSignal;
  /** Connects to the engine; only commands that need one call it. */
  openApp(options: {
    readonly host?: string;
    readonly context?: string;
    readonly config?: string;
    /** True: report each call to the engine, registries and nft. */
    readonly trace: boolean;
    /** Instead of an engine: a server, and the token for it. */
    readonly server?: { readonly address: string; readonly token: string | undefined };
    readonly report: Report;
  }): Promise<{ app: App; close(): void }>;
  /** The hosts that --on names. Raises `usage` for an unknown name, and `config`. */
  openGroup(options: {
    readonly on: string;
    readonly skipUnreachable: boolean;
    readonly config: string | undefined;
    readonly trace: boolean;
    readonly report: Report;
  }): Promise<GroupApp>;
  /** Resolves after the time, at once when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** The current folder. Raises `usage` where it was removed. */
  folder(): string;
  /** From now on people may ask for something while a command runs: by SIGHUP and SIGUSR1. */
  onAsked(asked: (what: 'reload' | 'check') => void): void;
  /** Gives back memory that is not needed any more. */
  tidy(): void;
  /** The configuration file, which can be looked at without an engine. */
  openConfig(options: { readonly config?: string }): Promise<ConfigDesk>;
  /** Predicts how a server would treat a message to a hook. Raises `config` if the credential cannot be read. */
  tryHook(
    hook: HookConfig,
    message: { readonly headers: Readonly<Record<string, string>> | undefined; readonly rawBody: Uint8Array },
  ): Promise<HookTrial>;
  /** Installs swapctl on this machine, with the same engine and configuration. */
  openInstall(options: {
    readonly host?: string;
    readonly context?: string;
    readonly config?: string;
  }): Promise<InstallDesk>;
  /** What the configuration of a proxy needs, by driver. */
  openSnippets(): Promise<SnippetDesk>;
  /** Makes and lists tokens of a server. */
  openTokens(): Promise<TokenDesk>;
}
