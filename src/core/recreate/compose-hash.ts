import type { Shared } from '../model/references.ts';

type Hash = (text: string) => string;

/**
 * The config-hash label that compose would write for a service that shares the namespaces or volumes of a replaced container.
 * Compose hashes the id of that container with the service (T43), so its next `up` would re-create the service for nothing. The
 * hash differs between versions of compose: `service` (as `docker compose config --format json` shows it) is used only if one of
 * the known forms, with the `before` of the host config, gives the present label. Undefined if none does.
 */
export function composeHashLabel(
  label: string,
  service: Readonly<Record<string, unknown>>,
  shared: { readonly before: Shared; readonly after: Shared },
  hash: Hash,
): string | undefined {
  for (const form of FORMS) {
    if (hash(form(resolved(service, shared.before))) === label) return hash(form(resolved(service, shared.after)));
  }
  return undefined;
}

type Service = Readonly<Record<string, unknown>>;

const FIELDS = [
  ['network_mode', 'NetworkMode'],
  ['pid', 'PidMode'],
  ['ipc', 'IpcMode'],
] as const;

// In place, since the hash depends on the order of the fields.
function resolved(service: Service, shared: Shared): Service {
  const copy: Record<string, unknown> = { ...service };
  for (const [field, mode] of FIELDS) {
    const value = copy[field];
    if (typeof value === 'string' && value.startsWith('service:')) copy[field] = shared[mode];
  }
  // Compose writes the same list into both, and drops `:ro` from it.
  if (Array.isArray(copy.volumes_from)) copy.volumes_from = shared.VolumesFrom;
  return copy;
}

// Newer versions of compose leave more fields out of the hash.
const FORMS = [[], ['depends_on'], ['depends_on', 'profiles']].map(
  (more) => (service: Service) => goJson(withoutReplicas(without(service, ['build', 'pull_policy', 'scale', ...more]))),
);

function without(service: Service, fields: readonly string[]): Service {
  return Object.fromEntries(Object.entries(service).filter(([field]) => !fields.includes(field)));
}

function withoutReplicas(service: Service): Service {
  return isRecord(service.deploy) ? { ...service, deploy: without(service.deploy, ['replicas']) } : service;
}

function isRecord(value: unknown): value is Service {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

// Go's json.Marshal escapes these, so that its output can stand in HTML.
function goJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
