import { type Snippet, type SnippetPart, type SnippetWish, settingsPart } from '../../../core/proxy/snippet.ts';

/** The lines that nginx's configuration needs. */
export function nginxSnippet(wish: SnippetWish): Snippet {
  const { route, port, container } = wish;
  const main = [
    '# in http { }',
    'keepalive_timeout 65s;',
    'keepalive_min_timeout 65s;   # leave it out before nginx 1.27.4',
    `upstream ${route} {`,
    `  zone ${route} 64k;`,
    `  include swapctl/${route}.servers;`,
    '}',
    '# in the server { } of the service',
    `location / { proxy_pass http://${route}; }`,
  ];
  const server = container === undefined ? `server 127.0.0.1:${port};` : `server ${route}:${port};`;
  const parts: SnippetPart[] = [
    { file: '/etc/nginx/nginx.conf', lines: main },
    { file: `/etc/nginx/swapctl/${route}.servers`, lines: [server] },
    ...(container === undefined ? [] : [volumePart(container)]),
    settingsPart('nginx', wish),
  ];
  return {
    parts,
    notes: ['only server lines belong into that file: swapctl changes it during a roll, and restores it'],
  };
}

// A file that is mounted by itself can't be replaced by a rename.
function volumePart(container: string): SnippetPart {
  const service = container.split('/').at(-1) ?? container;
  const lines = ['services:', `  ${service}:`, '    volumes:', '      - ./swapctl:/etc/nginx/swapctl'];
  return { file: 'compose.yml', lines };
}
