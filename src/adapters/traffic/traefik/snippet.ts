import { type Snippet, type SnippetPart, type SnippetWish, settingsPart } from '../../../core/proxy/snippet.ts';

const FOLDER = '/etc/traefik/dynamic';
const API = '127.0.0.1:8099';

/** The lines that Traefik's configuration needs. */
export function traefikSnippet(wish: SnippetWish): Snippet {
  const { route, port, container } = wish;
  const statics = [
    'api: {}',
    'entryPoints:',
    `  swapctl: { address: "${API}" }`,
    'providers:',
    `  file: { directory: ${FOLDER} }`,
  ];
  const service = [
    'http:',
    '  services:',
    `    ${route}:`,
    '      loadBalancer:',
    '        servers:',
    `          - url: "http://${container === undefined ? '127.0.0.1' : route}:${port}"`,
  ];
  const routers = [
    'http:',
    '  routers:',
    `    ${route}: { rule: Host(\`example.org\`), service: ${route}@file }   # yours, or in labels`,
    '    swapctl-api: { rule: PathPrefix(`/api`), entryPoints: [swapctl], service: api@internal }',
  ];
  const parts: SnippetPart[] = [
    { file: '/etc/traefik/traefik.yml', lines: statics },
    { file: `${FOLDER}/swapctl-${route}.yml`, lines: service },
    { file: `${FOLDER}/routers.yml`, lines: routers },
    ...(container === undefined ? [] : [volumePart(container)]),
    settingsPart('traefik', wish),
  ];
  return {
    parts,
    notes: [
      `swapctl changes swapctl-${route}.yml during a roll, and restores it; no other file may define the service ${route}`,
      'leave healthCheck out of the service: Traefik calls each new server healthy before the first check',
    ],
  };
}

function volumePart(container: string): SnippetPart {
  const service = container.split('/').at(-1) ?? container;
  const lines = ['services:', `  ${service}:`, '    volumes:', `      - ./traefik:${FOLDER}`];
  return { file: 'compose.yml', lines };
}
