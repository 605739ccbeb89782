import type { Image } from '../container.ts';

/**
 * What compose would write in its image label after a swap. Compose compares the label with the local image (T43, T44):
 * by id with the classic store, by the platform's manifest with the containerd store. Which of them this compose uses
 * is read off the label that it wrote for the old image.
 */
export function composeImageLabel(
  label: string | undefined,
  before: Image | undefined,
  after: Image,
): string | undefined {
  if (label === undefined) return undefined;
  const byManifest = before?.manifestDigest !== undefined && label === before.manifestDigest && label !== before.id;
  return byManifest ? (after.manifestDigest ?? after.id) : after.id;
}

/**
 * The paths that compose copied into a service's containers after it created them, which no inspect shows (T19).
 * `document` is the parsed compose file; the shapes are those of the compose specification.
 */
export function inlineFiles(document: unknown, service: string): string[] {
  const file = record(document);
  const wanted = record(record(file.services)[service]);
  return [
    ...inlineTargets(wanted.configs, record(file.configs), (name) => `/${name}`),
    ...inlineTargets(wanted.secrets, record(file.secrets), (name) => `/run/secrets/${name}`),
  ];
}

/**
 * The same, guessed from what changed in the container's layer, for a compose file that can't be read: secrets lie
 * under /run/secrets, configs by default at the top.
 */
export function likelyInlineFiles(changed: readonly string[]): string[] {
  return changed.filter(
    (path) => /^\/run\/secrets\/[^/]+$/.test(path) || (/^\/[^/]+$/.test(path) && path !== '/.dockerenv'),
  );
}

function inlineTargets(
  uses: unknown,
  definitions: Record<string, unknown>,
  defaultTarget: (name: string) => string,
): string[] {
  if (!Array.isArray(uses)) return [];
  return uses.flatMap((use: unknown) => {
    const source = typeof use === 'string' ? use : text(record(use).source);
    const definition = record(definitions[source]);
    if (definition.content === undefined && definition.environment === undefined) return [];
    const target = text(record(use).target) || source;
    return [target.startsWith('/') ? target : defaultTarget(target)];
  });
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
