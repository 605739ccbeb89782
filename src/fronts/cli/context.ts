import type { App } from '../../app/app.ts';
import type { GroupApp } from '../../app/group/group.ts';
import type { TokenDesk } from '../../core/access/desk.ts';
import type { SnippetDesk } from '../../core/proxy/snippet.ts';
import type { ConfigDesk } from '../../core/settings/config.ts';
import type { InstallDesk } from '../../core/update/units.ts';
import type { HookTrial } from '../../core/webhooks/hint.ts';
import type { HookConfig } from '../../core/webhooks/kinds.ts';
import type { Report, Terminal } from '../terminal/terminal.ts';

/** The environment of the command line. */
export interface CliContext {
  readonly terminal: Terminal;
  readonly version: string;
  /** Aborted by the first SIGINT or SIGTERM, and by a SIGHUP without a listener. */
  readonly signal: AbortSignal;
  /** Connects to the engine; only commands that need one call it. */
  openApp(options: {
    readonly host?: string;
    readonly context?: string;
    readonly config?: string;
    /** True: report each call to the engine, registries and nft. */
    readonly trace: boolean;
    /** A server in place of an engine, and the token for it. */
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
  /** Resolves after the time, or at once when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** The current folder. Raises `usage` if it was removed. */
  folder(): string;
  /** Listens to users' requests while a command runs: SIGHUP and SIGUSR1. */
  onAsked(asked: (what: 'reload' | 'check') => void): void;
  /** Releases unused memory. */
  tidy(): void;
  /** The configuration file, which needs no engine. */
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
  /** The snippets for the configuration of a proxy, by driver. */
  openSnippets(): Promise<SnippetDesk>;
  /** Makes and lists tokens of a server. */
  openTokens(): Promise<TokenDesk>;
}
