import { type Container, namespaceOwner } from '../model/container.ts';
import type { ErrorCode } from '../model/error.ts';
import type { Blame, FailedBy } from './health.ts';

/** Only what the image alone can have caused counts against it. This file finds the failures that something else can have caused. */

/** How a failure is remembered: `not-healthy` rejects the image; after the others it is tried again, under the backoff. */
export type FailureCode = 'not-healthy' | 'unproven' | 'cannot-start';

const CODES = { image: 'not-healthy', host: 'cannot-start', surroundings: 'unproven', person: 'interrupted' } as const;

/** The code of a failure's error. */
export function codeOf<B extends Blame>(blame: B): (typeof CODES)[B] {
  return CODES[blame];
}

/** Whether a remembered failure keeps its image from being tried again. */
export function isRejection({ code }: { readonly code: ErrorCode }): boolean {
  return code !== 'unproven' && code !== 'cannot-start' && code !== 'stuck';
}

/** A container that failed, and what was seen of it and around it. */
export interface Failed {
  readonly container: Pick<Container, 'exitCode' | 'oomKilled' | 'config' | 'host' | 'mounts'>;
  /** Whether the engine refused the start, the process ended, or the health check failed. */
  readonly by: FailedBy;
  /** The engine's words on a refused start, or the last lines that the process wrote. */
  readonly words: readonly string[];
  /** Whether it ran at the same time as the incumbent. */
  readonly beside: boolean;
  /** Whether its last probe came through to it; undefined if none was made over the network. */
  readonly reached?: boolean | undefined;
  /** What the incumbent made of the same check; undefined if it was not asked. */
  readonly incumbent?: Asked | undefined;
  /** How many connections the gate redirected away from it. */
  readonly redirected: number;
  /** Whether the engine knows nothing of its end any more. */
  readonly endUnknown?: boolean | undefined;
  /** Whether it was ever healthy. */
  readonly wasHealthy: boolean;
}

/** How a container answered a health check. */
export interface Asked {
  readonly ok: boolean;
  readonly output: string;
}

/** What else can have caused a failure, as the end of a sentence; undefined if only the image can. */
export function otherCause(failed: Failed): string | undefined {
  switch (failed.by) {
    case 'start':
      return mountedProgram(failed);
    case 'exit':
      return exitedForOther(failed);
    case 'check':
      return uncheckable(failed);
  }
}

function uncheckable({ incumbent, reached, redirected, wasHealthy }: Failed): string | undefined {
  if (incumbent && !incumbent.ok) return `the old container fails its check, too${said(incumbent.output)}`;
  // If the incumbent answers from here, there is a way to its successor.
  if (reached === false && !incumbent) return 'swapctl cannot reach it from here';
  if (redirected === 0 || wasHealthy) return undefined;
  const number = redirected === 1 ? '1 connection' : `${redirected} connections`;
  return `the gate redirected ${number} away from it, which it may need to become healthy`;
}

function said(output: string): string {
  const text = output.trim().slice(0, 200);
  return text === '' ? '' : ` (${text})`;
}

// What a shell says of a program that it finds or can run not, and what the engine derives from such words.
const NOT_RUN = new Set([126, 127]);
// 128 and the numbers of SIGINT, SIGKILL and SIGTERM.
const KILLED = new Set([130, 137, 143]);

/** Whether a process with that exit status may have been ended by a signal from outside. */
export function isKilled(exitCode: number | undefined): boolean {
  return exitCode !== undefined && KILLED.has(exitCode);
}

function exitedForOther(failed: Failed): string | undefined {
  const { container, words } = failed;
  const { exitCode, oomKilled, host } = container;
  if (oomKilled) return hasOwnLimit(host) ? undefined : 'the machine ran out of memory';
  if (isKilled(exitCode)) return 'a signal from outside ended it';
  if (failed.endUnknown) return 'the engine does not know any more what ended it (it was restarted?)';
  if (NOT_RUN.has(exitCode)) return mountedPath(failed, [...commandOf(container.config), ...words]);
  return line(words, causesOf(failed));
}

function hasOwnLimit({ Memory }: Container['host']): boolean {
  return typeof Memory === 'number' && Memory > 0;
}

const MACHINE =
  /resource busy|\bdevices? (is|are) busy|\bEBUSY\b|no space left on device|\bENOSPC\b|disk quota exceeded|cannot allocate memory|\bENOMEM\b/i;
const NETWORK =
  /connection refused|\bECONNREFUSED\b|no route to host|\bEHOSTUNREACH\b|network is unreachable|\bENETUNREACH\b|connection timed out|\bETIMEDOUT\b|\bEAI_AGAIN\b|temporary failure in name resolution|could not translate host name/i;
const LOCK =
  /resource temporarily unavailable|\b(is|are|already) locked\b|\b(could not|unable to|failed to|cannot|can't) (acquire|obtain|get|lock)\b.*\block|lock file|another (instance|process|server)/i;
const TAKEN = /address already in use|\bEADDRINUSE\b/i;

const FETCH =
  /no such host|could not resolve|failed to (resolve source metadata|fetch)|pull access denied|too many requests|\bconnection reset\b|\bECONNRESET\b|\bENOTFOUND\b|i\/o timeout|TLS handshake timeout|temporary failure resolving|\b50[234] (bad gateway|service unavailable|gateway time-?out)/i;

/** What else than its files can have failed a build, by the builder's words; undefined if nothing of the kind is named. */
export function otherCauseOfBuild(words: readonly string[]): string | undefined {
  return line(words, [MACHINE, NETWORK, FETCH]);
}

function causesOf({ container, beside }: Failed): RegExp[] {
  const { NetworkMode } = container.host;
  const shares = NetworkMode === 'host' || namespaceOwner(NetworkMode) !== undefined;
  return [MACHINE, NETWORK, ...(beside ? [LOCK] : []), ...(shares ? [TAKEN] : [])];
}

function line(words: readonly string[], causes: readonly RegExp[]): string | undefined {
  const found = words.findLast((one) => causes.some((cause) => cause.test(one)));
  return found && `the cause may be outside the image: ${found.trim().slice(0, 200)}`;
}

const QUOTED_PROGRAM = /exec: "([^"]*)"|(?:executable file|the path|cannot find) `([^`]*)`/;
const NO_USER = /no matching entries in (passwd|group) file/;

function mountedProgram(failed: Failed): string | undefined {
  const text = failed.words.join('\n');
  const users = NO_USER.exec(text)?.[1];
  if (users) return mountedPath(failed, [`/etc/${users}`]);
  const [, runc, crun] = QUOTED_PROGRAM.exec(text) ?? [];
  const program = runc ?? crun;
  return program === undefined ? undefined : mountedPath(failed, pathsOf(program, failed.container.config));
}

// Without a slash it is looked for in $PATH.
function pathsOf(program: string, { Env, WorkingDir }: Container['config']): string[] {
  if (program.startsWith('/')) return [program];
  if (program.includes('/')) return [`${WorkingDir || ''}/${program.replace(/^\.\//, '')}`];
  const path = (Env ?? []).find((pair) => pair.startsWith('PATH='))?.slice('PATH='.length);
  return (path ?? '').split(':').map((folder) => `${folder}/${program}`);
}

function commandOf({ Entrypoint, Cmd }: Container['config']): string[] {
  return [...(Entrypoint ?? []), ...(Cmd ?? [])];
}

const ABSOLUTE = /\/[^\s"'`:;,()]+/g;

function mountedPath({ container }: Failed, texts: readonly string[]): string | undefined {
  const paths = texts.flatMap((text) => text.match(ABSOLUTE) ?? []);
  const path = paths.find((one) => container.mounts.some(({ target }) => isIn(one, target)));
  return path && `${path} is in a mount, not in the image`;
}

function isIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}
