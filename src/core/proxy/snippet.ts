/** The input for a snippet of a proxy's configuration. */
export interface SnippetWish {
  /** The name of the route, which is the name of the service as well. */
  readonly route: string;
  /** The port at which the service answers. */
  readonly port: number;
  /** As `swapctl.proxy` names it. */
  readonly place: string;
  /** The proxy's container or compose service; undefined: it runs on this host. */
  readonly container: string | undefined;
}

/** A part of a configuration file. */
export interface SnippetPart {
  readonly file: string;
  readonly lines: readonly string[];
}

/** The lines that a user adds to the configuration of a proxy so that swapctl can drive it. */
export interface Snippet {
  readonly parts: readonly SnippetPart[];
  readonly notes: readonly string[];
}

/** Prints snippets: by driver. */
export interface SnippetDesk {
  readonly drivers: readonly string[];
  /** Raises `usage` for an unknown driver. */
  snippet(driver: string, wish: SnippetWish): Snippet;
}

/** The settings of the service, which all drivers read: for a proxy of the host not as labels, which others could set. */
export function settingsPart(driver: string, { route, port, place, container }: SnippetWish): SnippetPart {
  if (container === undefined) {
    const settings = [`proxy: ${driver}:${place}`, `proxy.route: ${route}`, `proxy.port: ${port}`];
    return { file: 'swapctl.yml', lines: ['services:', `  ${route}:`, ...settings.map((line) => `    ${line}`)] };
  }
  const lines = [
    'services:',
    `  ${route}:`,
    '    labels:',
    `      swapctl.proxy: ${driver}:${place}`,
    `      swapctl.proxy.route: ${route}`,
    `      swapctl.proxy.port: "${port}"`,
  ];
  return { file: 'compose.yml', lines };
}

/** A note on the consent of the proxy's owner; none for a proxy of the host. */
export function consentNotes({ route, container }: SnippetWish): string[] {
  if (container === undefined) return [];
  return [
    `if ${container} and ${route} are not of one compose project: label ${container} with swapctl.proxy.allow: PROJECT/${route} (a container without a project: its name)`,
  ];
}
