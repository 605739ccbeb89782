import { type Snippet, type SnippetPart, type SnippetWish, settingsPart } from '../../../core/proxy/snippet.ts';

const FOLDER = '/etc/caddy/swapctl';

/** The lines that Caddy's configuration needs for changes without a reload. */
export function caddySnippet(wish: SnippetWish): Snippet {
  const { route, port, container } = wish;
  const handler = [
    '# in the site of the service',
    `reverse_proxy {file.${FOLDER}/${route}.addr}:${port} {`,
    '\tlb_try_duration 30s   # only for swapctl.proxy.hold',
    '}',
  ];
  const parts: SnippetPart[] = [
    { file: '/etc/caddy/Caddyfile', lines: handler },
    { file: `${FOLDER}/${route}.addr`, lines: [container === undefined ? '127.0.0.1' : route] },
    ...(container === undefined ? [] : [volumePart(container)]),
    settingsPart('caddy', wish),
  ];
  return {
    parts,
    notes: [
      `Caddy 2.8 takes a line break in ${route}.addr for a part of the name: printf ${container === undefined ? '127.0.0.1' : route} > ${route}.addr`,
      `Caddy before 2.8 has no {file.…}: write reverse_proxy ${route}:${port}, and swapctl changes the running configuration, which reloads Caddy`,
    ],
  };
}

// A file that is mounted by itself can't be replaced by a rename.
function volumePart(container: string): SnippetPart {
  const service = container.split('/').at(-1) ?? container;
  const lines = ['services:', `  ${service}:`, '    volumes:', `      - ./swapctl:${FOLDER}`];
  return { file: 'compose.yml', lines };
}
