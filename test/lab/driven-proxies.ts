// The proxies that swapctl drives, in containers as people have them: what starts each, and which files are its owner's.
import { existsSync } from 'node:fs';
import path from 'node:path';
import type Docker from 'dockerode';
import { APP_PORT } from './images.ts';
import { programImage, proxyImage } from './proxy-image.ts';

const given = process.env.SWAPCTL_TEST_PROXIES ?? '';

interface DrivenProxy {
  readonly driver: 'haproxy' | 'nginx' | 'caddy' | 'traefik';
  /** A shell script that writes the configuration and becomes the proxy; `host`: the name of the service. */
  start(host: string): string;
  /** The name of its route is that of the service. */
  readonly routeByHost?: true;
  /** The folder of the configuration. */
  readonly files: string;
  /** A folder for which compose files have a volume. */
  readonly volume?: string;
  readonly sysctls?: Record<string, string>;
  image(docker: Docker): Promise<string>;
  /** Why it can't run here, for node's `skip`. */
  readonly skip: string | false;
}

const haproxy = (host: string) => `cat > /usr/local/etc/haproxy/haproxy.cfg <<'END'
global
  stats socket /run/haproxy/admin.sock mode 660 level admin
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend clients
  bind :80
  default_backend web
backend web
  server web ${host}:${APP_PORT} init-addr last,libc,none
END
exec haproxy -W -db -f /usr/local/etc/haproxy/haproxy.cfg`;

const nginx = (host: string) => `echo 'server ${host}:${APP_PORT};' > /etc/nginx/swapctl/web.servers
cat > /etc/nginx/nginx.conf <<'END'
user root;
error_log stderr;
events {}
http {
  access_log off;
  upstream web { zone web 64k; include swapctl/web.servers*; }
  server { listen 80; location / { proxy_pass http://web; } }
}
END
exec nginx -g 'daemon off;'`;

const caddy = (upstream: string) => `cat > /etc/caddy/Caddyfile <<'END'
{
	auto_https off
}
http://:80 {
	reverse_proxy ${upstream} {
		lb_try_duration 30s
	}
}
END
exec caddy run --config /etc/caddy/Caddyfile`;

const traefik = (host: string) => `cat > /etc/traefik/traefik.yml <<'END'
global: { checkNewVersion: false, sendAnonymousUsage: false }
api: {}
entryPoints:
  web: { address: ":80" }
  swapctl: { address: "127.0.0.1:8099" }
providers:
  file: { directory: /etc/traefik/dynamic }
END
cat > /etc/traefik/dynamic/routers.yml <<'END'
http:
  routers:
    web: { rule: "PathPrefix(\`/\`)", entryPoints: [web], service: web@file }
    swapctl-api: { rule: "PathPrefix(\`/api\`)", entryPoints: [swapctl], service: api@internal }
END
cat > /etc/traefik/dynamic/swapctl-web.yml <<'END'
http:
  services:
    web:
      loadBalancer:
        servers:
          - url: "http://${host}:${APP_PORT}"
END
exec traefik`;

export const DRIVEN = {
  haproxy: {
    driver: 'haproxy',
    start: haproxy,
    files: '/usr/local/etc/haproxy',
    image: proxyImage,
    skip: false,
  },
  nginx: {
    driver: 'nginx',
    start: nginx,
    files: '/etc/nginx',
    volume: '/etc/nginx/swapctl',
    image: proxyImage,
    skip: false,
  },
  /** Debian's reads no address from a file, so its configuration is changed. */
  caddy: {
    driver: 'caddy',
    start: (host) => caddy(`${host}:${APP_PORT}`),
    routeByHost: true,
    files: '/etc/caddy',
    // Caddy opens its port anew at each change; the kernel moves waiting connections to the new socket.
    sysctls: { 'net.ipv4.tcp_migrate_req': '1' },
    image: proxyImage,
    skip: false,
  },
  'caddy by file': {
    driver: 'caddy',
    start: (host) => `printf ${host} > /etc/caddy/swapctl/web.addr
${caddy(`{file./etc/caddy/swapctl/web.addr}:${APP_PORT}`)}`,
    files: '/etc/caddy',
    volume: '/etc/caddy/swapctl',
    image: (docker) => programImage(docker, path.join(given, 'caddy')),
    skip: missingProgram('caddy', 'a newer Caddy'),
  },
  traefik: {
    driver: 'traefik',
    start: traefik,
    files: '/etc/traefik',
    volume: '/etc/traefik/dynamic',
    image: (docker) => programImage(docker, path.join(given, 'traefik')),
    skip: missingProgram('traefik', 'Traefik'),
  },
} satisfies Record<string, DrivenProxy>;

export type Kind = keyof typeof DRIVEN;
export const KINDS = Object.keys(DRIVEN) as Kind[];

export function drivenProxy(kind: Kind): DrivenProxy {
  return DRIVEN[kind];
}

function missingProgram(program: string, what: string): string | false {
  const isThere = given !== '' && existsSync(path.join(given, program));
  return !isThere && `needs ${what}: SWAPCTL_TEST_PROXIES=FOLDER with a program ${program}`;
}
