import { type Snippet, type SnippetWish, settingsPart } from '../../../core/proxy/snippet.ts';

/** The lines that HAProxy's configuration needs. */
export function haproxySnippet(wish: SnippetWish): Snippet {
  const { route, port, container } = wish;
  // Docker's resolver is at the same address in every container of a user-defined network.
  const name = `server ${route} ${route}:${port} init-addr last,libc,none`;
  const main = [
    'global',
    '  stats socket /run/haproxy/admin.sock mode 660 level admin',
    '',
    `backend ${route}`,
    '  balance roundrobin',
    '  option redispatch',
    container === undefined ? `  server ${route} 127.0.0.1:${port}` : `  ${name}`,
  ];
  return {
    parts: [{ file: 'haproxy.cfg', lines: main }, settingsPart('haproxy', wish)],
    notes: [
      `for swapctl.proxy.hold=10s: add "retries 11" and "timeout queue 10s" to the backend ${route}`,
      'HAProxy before 2.6, or a server with options that an added one cannot have: add to the backend "server-template swapctl 1-2 127.0.0.1:1 disabled"',
      ...(container === undefined
        ? []
        : [`the folder /run/haproxy of ${container} must belong to its user (the official image: 99, haproxy)`]),
    ],
  };
}
