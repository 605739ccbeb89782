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

/** The labels of the service, which all drivers read. */
export function labelsPart(driver: string, { route, port, place }: SnippetWish): SnippetPart {
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
