import { type Container, namespaceOwner } from '../model/container.ts';
import type { ErrorCode } from '../model/error.ts';
import type { Blame, FailedBy } from './health.ts';

/** Only a failure that the image alone can have caused counts against it. This file finds the failures with another possible cause. */

/** The record of a failure: `not-healthy` rejects the image; after the others it is tried again, under the backoff. */
export type FailureCode = 'not-healthy' | 'unproven' | 'cannot-start';

const CODES = { image: 'not-healthy', host: 'cannot-start', surroundings: 'unproven', person: 'interrupted' } as const;

/** The code of a failure's error. */
export function codeOf<B extends Blame>(blame: B): (typeof CODES)[B] {
  return CODES[blame];
}

/** True: the recorded failure rejects its image. */
export function isRejection({ code }: { readonly code: ErrorCode }): boolean {
  return code !== 'unproven' && code !== 'cannot-start' && code !== 'stuck';
}

/** A failed container, with the observations of it and its surroundings. */
export interface Failed {
  readonly container: Pick<Container, 'exitCode' | 'oomKilled' | 'config' | 'host' | 'mounts'>;
  /** The failed part: the engine refused the start, the process ended, or the health check failed. */
  readonly by: FailedBy;
  /** The engine's words on a refused start, or the last lines that the process wrote. */
  readonly words: readonly string[];
  /** True: it ran at the same time as the incumbent. */
  readonly beside: boolean;
  /** True: its last probe reached it; undefined if none was made over the network. */
  readonly reached?: boolean | undefined;
  /** The incumbent's answer to the same check; undefined if it was not asked. */
  readonly incumbent?: Asked | undefined;
  /** The number of connections that the gate redirected away from it. */
  readonly redirected: number;
  /** True: the engine has lost the record of its end. */
  readonly endUnknown?: boolean | undefined;
  /** True: it was healthy at some time. */
  readonly wasHealthy: boolean;
}

/** The answer of a container to a health check. */
export interface Asked {
  readonly ok: boolean;
  readonly output: string;
}

/** Another possible cause of a failure, as the end of a sentence; undefined if only the image can be the cause. */
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
  // If the incumbent answers from here, its successor is reachable, too.
  if (reached === false && !incumbent) return 'swapctl cannot reach it from here';
  if (redirected === 0 || wasHealthy) return undefined;
  const number = redirected === 1 ? '1 connection' : `${redirected} connections`;
  return `the gate redirected ${number} away from it, which it may need to become healthy`;
}

function said(output: string): string {
  const text = output.trim().slice(0, 200);
  return text === '' ? '' : ` (${text})`;
}

// A shell's exit statuses for a program that it can't find or run; the engine derives the same from such words.
const NOT_RUN = new Set([126, 127]);
// 128 and the numbers of SIGINT, SIGKILL and SIGTERM.
const KILLED = new Set([130, 137, 143]);

/** True: a signal from outside may have ended the process. */
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

/** A cause of a failed build other than its files, by the builder's words; undefined if they name none. */
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

// A name without a slash is searched in $PATH.
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
