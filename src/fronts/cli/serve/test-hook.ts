import { readText } from '../../../adapters/files/read.ts';
import { fail, SwapError } from '../../../core/model/error.ts';
import { toReported } from '../../../core/report/reported-error.ts';
import { nearest, printable } from '../../../core/text/suggest.ts';
import type { Hint } from '../../../core/webhooks/hint.ts';
import type { HookConfig } from '../../../core/webhooks/kinds.ts';
import { seeHelp, statusOfErrors } from '../../common/failure.ts';
import { type Session, show, withApp } from '../session.ts';
import { hookTrialView } from '../views/hook.ts';
import type { TestedHook } from './tested-hook.ts';

/** Options of a trial. */
export interface TestHookFlags {
  readonly file?: string;
  readonly header?: readonly string[];
}

const NOT_RIGHT = 1;

/** Prints the effect that a message to a hook would have: 1 if it is malformed or its credential is wrong, 5 without an engine. */
export async function runTestHook(session: Session, name: string | undefined, flags: TestHookFlags): Promise<number> {
  const { context } = session;
  if (name === undefined || flags.file === undefined)
    return fail('usage', 'test-hook needs the name of a hook and --file', { hint: seeHelp('swapctl config') });
  const hook = await hookNamed(session, name);
  const headers = flags.header && headersOf(flags.header);
  const rawBody = new TextEncoder().encode(await payload(flags.file));
  const trial = await context.tryHook(hook, { headers, rawBody });
  const tested: TestedHook = { hook: name, kind: hook.kind, ...trial, ...(await concerned(session, trial.message)) };
  show(session, tested, hookTrialView);
  const isRight = trial.message.kind !== 'malformed' && trial.credential.outcome !== 'wrong';
  return isRight ? statusOfErrors([tested.error]) : NOT_RIGHT;
}

async function hookNamed({ context, globals }: Session, name: string): Promise<HookConfig> {
  const desk = await context.openConfig(globals.config === undefined ? {} : { config: globals.config });
  const hooks = await desk.hooks();
  const hook = Object.hasOwn(hooks, name) ? hooks[name] : undefined;
  if (hook) return hook;
  const names = Object.keys(hooks);
  const near = nearest(names, name);
  const hint = near
    ? `did you mean ${near}?`
    : names.length > 0
      ? `known are: ${names.join(', ')}`
      : 'add it under hooks';
  return fail('usage', `there is no hook ${printable(name)} in swapctl.yml`, { hint });
}

async function payload(file: string): Promise<string> {
  try {
    return await readText(file);
  } catch (error) {
    return fail('usage', `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function headersOf(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((text) => {
      const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n]*)$/.exec(text) ?? [];
      if (name === undefined || value === undefined)
        return fail('usage', `${printable(text)} is not a header`, { hint: "write it like --header 'X-Name: value'" });
      return [name.toLowerCase(), value.trimEnd()];
    }),
  );
}

// Without an engine, the meaning of the message is still worth printing.
async function concerned(session: Session, message: Hint): Promise<Pick<TestedHook, 'services' | 'error'>> {
  if (message.kind !== 'pushed') return {};
  const pushes = message.repositories;
  try {
    return { services: await withApp(session, { changes: false, long: false }, (app) => app.hinted([], { pushes })) };
  } catch (raised) {
    if (!(raised instanceof SwapError) || raised.code === 'interrupted') throw raised;
    return { error: toReported(raised) };
  }
}
