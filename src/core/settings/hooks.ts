import { fail } from '../model/error.ts';
import { printable } from '../text/suggest.ts';

/** An action of swapctl for others once a service has moved to its new container. */
export type Hook = Order & {
  /** True: a label of the service requests the hook; its author may have no rights over other containers. */
  readonly byLabel: boolean;
};

type Order =
  | { readonly kind: 'signal'; readonly signal: string; readonly container: string }
  | { readonly kind: 'exec'; readonly container: string; readonly command: readonly string[] }
  | { readonly kind: 'call'; readonly url: string };

const SIGNAL = /^(?:SIG)?([A-Z][A-Z0-9+-]{1,11})$/;
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;
const HINT = 'write signal HUP CONTAINER, exec CONTAINER COMMAND, or call URL; separate several by semicolons';

/** Reads hooks separated by semicolons. */
export function parseHooks(value: string, what: string): Hook[] {
  const given = value.split(';').map((one) => one.trim());
  return given.filter((one) => one !== '').map((one) => ({ ...parseHook(one, what), byLabel: false }));
}

function parseHook(text: string, what: string): Order {
  const [kind, ...words] = text.split(/\s+/);
  const order =
    kind === 'signal' ? signal(words) : kind === 'exec' ? exec(words) : kind === 'call' ? call(words) : undefined;
  return order ?? fail('config', `${what}: ${printable(shownText(text))} is no hook`, { hint: HINT });
}

function signal([name = '', container = '', ...rest]: string[]): Order | undefined {
  const [, bare] = SIGNAL.exec(name) ?? [];
  if (bare === undefined || !NAME.test(container) || rest.length > 0) return undefined;
  return { kind: 'signal', signal: `SIG${bare}`, container };
}

function exec([container = '', ...command]: string[]): Order | undefined {
  return NAME.test(container) && command.length > 0 ? { kind: 'exec', container, command } : undefined;
}

function call([url = '', ...rest]: string[]): Order | undefined {
  const isWeb = /^https?:\/\//.test(url) && URL.canParse(url);
  return isWeb && rest.length === 0 ? { kind: 'call', url } : undefined;
}

/** The hooks of a label: swapctl reaches more addresses than the service, so it calls no URL from a label. */
export function asLabel(
  { onSwitch = [] }: { readonly onSwitch?: readonly Hook[] },
  what: string,
): { readonly onSwitch?: readonly Hook[] } {
  if (onSwitch.some(({ kind }) => kind === 'call'))
    fail('config', `${what}: a label can't have a URL called`, { hint: 'set this hook in swapctl.yml' });
  return { onSwitch: onSwitch.map((hook) => ({ ...hook, byLabel: true })) };
}

/** A hook for people, without the parts of a URL that may be secret. */
export function shownHook(hook: Order): string {
  switch (hook.kind) {
    case 'signal':
      return `signal ${hook.signal} ${hook.container}`;
    case 'exec':
      return `exec ${hook.container} ${hook.command.join(' ')}`;
    case 'call':
      return `call ${shownUrl(hook.url)}`;
  }
}

function shownUrl(text: string): string {
  const { protocol, host, pathname, search } = new URL(text);
  return `${protocol}//${host}${pathname}${search === '' ? '' : '?…'}`;
}

// A URL that can't be parsed may still contain a login.
function shownText(text: string): string {
  return text.replace(/\/\/[^/\s]*@/g, '//…@').replace(/\?\S*/g, '?…');
}
