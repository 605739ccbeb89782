import { type Handshake, type HookMessage, ignored, malformed, NO_TAG, pushed, type ReadHook } from '../hint.ts';
import { at, push, repositoryOf, shown, tagsIn, textAt } from '../parts.ts';

const PUSHED = 'Microsoft.ContainerRegistry.ImagePushed';
const VALIDATION = 'Microsoft.EventGrid.SubscriptionValidationEvent';

/** Azure Container Registry, by its own webhooks. */
export const readAcr: ReadHook = ({ body, registry }) => {
  const action = textAt(body, 'action');
  if (action === undefined) return malformed('it has no action');
  if (action === 'ping') return ignored('the registry tests the hook (ping)');
  if (action !== 'push') return ignored(`the action ${shown(action)} is not a push of an image`);
  return isTagged(body) ? pushed(action, [pushOf(body, registry)]) : ignored(NO_TAG);
};

/** Azure Container Registry, by Event Grid: in its own schema or as CloudEvents, one event or several. */
export const readEventGrid: ReadHook = ({ body, registry }) => {
  const events = Array.isArray(body) ? (body as readonly unknown[]) : [body];
  const validation = events.find((event) => typeOf(event) === VALIDATION);
  if (validation !== undefined) return validated(validation);
  if (events.every((event) => typeOf(event) === undefined)) return malformed('it has no event with a type');
  const pushes = events.filter((event) => typeOf(event) === PUSHED).map((event) => at(event, 'data'));
  if (pushes.length === 0) return ignored(`the event ${shown(typeOf(events[0]) ?? '')} is not a push of an image`);
  const tagged = pushes.filter(isTagged);
  if (tagged.length === 0) return ignored(NO_TAG);
  return pushed(
    PUSHED,
    tagged.map((one) => pushOf(one, registry)),
  );
};

/** The answer to a sender of CloudEvents that asks whether it may deliver; undefined if it does not say who it is. */
export function allowOrigin(headers: HookMessage['headers']): Handshake | undefined {
  const origin = headers['webhook-request-origin'];
  if (origin === undefined || !/^[A-Za-z0-9.-]{1,255}$/.test(origin)) return undefined;
  return { status: 200, headers: { 'webhook-allowed-origin': origin, 'webhook-allowed-rate': '*' }, body: '' };
}

// The code is answered here and now: the URL that comes with it is never opened.
function validated(event: unknown): ReturnType<ReadHook> {
  const code = textAt(event, 'data', 'validationCode');
  if (code === undefined || !/^[\w-]{1,128}$/.test(code)) return malformed('the validation has no validationCode');
  const headers = { 'content-type': 'application/json' };
  return { kind: 'handshake', response: { status: 200, headers, body: JSON.stringify({ validationResponse: code }) } };
}

function typeOf(event: unknown): string | undefined {
  return textAt(event, 'eventType') ?? textAt(event, 'type');
}

function isTagged(data: unknown): boolean {
  return tagsIn([textAt(data, 'target', 'tag')]).length > 0;
}

function pushOf(data: unknown, registry: string | undefined): ReturnType<typeof push> {
  const name = repositoryOf(registry ?? textAt(data, 'request', 'host'), textAt(data, 'target', 'repository'));
  return push([name], [textAt(data, 'target', 'tag')], textAt(data, 'target', 'digest'));
}
