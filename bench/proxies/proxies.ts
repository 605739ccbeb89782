// The proxies, each in its usual configuration: how it runs, and how it finds the service.
import { BINARIES } from './images.ts';

/** The port that every proxy listens on. */
export const PROXY_PORT = 8000;

export interface ProxySetup {
  readonly name: string;
  /** The files of the folder of binaries that it needs; none if it comes from Debian. */
  readonly binaries: readonly string[];
  /** Gets the label that all containers of a measurement bear, and their network. */
  command(label: string, network: string): readonly string[];
  /** The file of the folder config that it reads, and where it expects it. */
  readonly config?: readonly [file: string, target: string];
  readonly environment?: (network: string) => Record<string, string>;
  /** Of its own container. */
  readonly labels?: Record<string, string>;
  /** Whether it reads the engine's socket. */
  readonly socket?: boolean;
  /** What a service bears so that it gets all requests, or those for one host. */
  readonly service?: (name: string, host?: string) => Marks;
}

/** Labels and variables by which a proxy finds a service. */
export interface Marks {
  readonly labels?: Record<string, string>;
  readonly environment?: Record<string, string>;
}

const APP = '8080';

const TRAEFIK: ProxySetup = {
  name: 'traefik',
  binaries: ['traefik'],
  socket: true,
  command: (label) => [
    `${BINARIES}/traefik`,
    '--providers.docker=true',
    '--providers.docker.exposedbydefault=false',
    `--providers.docker.constraints=Label(\`${label.replace('=', '`,`')}\`)`,
    `--entrypoints.web.address=:${PROXY_PORT}`,
    '--global.checknewversion=false',
    '--global.sendanonymoususage=false',
  ],
  service: (name, host) => ({
    labels: {
      'traefik.enable': 'true',
      [`traefik.http.routers.${name}.rule`]: host ? `Host(\`${host}\`)` : 'PathPrefix(`/`)',
      [`traefik.http.services.${name}.loadbalancer.server.port`]: APP,
    },
  }),
};

const CADDY_DOCKER_PROXY: ProxySetup = {
  name: 'caddy-docker-proxy',
  binaries: ['caddy-docker-proxy'],
  socket: true,
  command: () => [`${BINARIES}/caddy-docker-proxy`, 'docker-proxy'],
  environment: (network) => ({ CADDY_INGRESS_NETWORKS: network }),
  service: (_, host = '') => ({
    labels: { caddy: `http://${host}:${PROXY_PORT}`, 'caddy.reverse_proxy': `{{upstreams ${APP}}}` },
  }),
};

// As the image of nginx-proxy starts it.
const NGINX_PROXY_START = `nginx && exec ${BINARIES}/docker-gen -watch -wait 100ms:500ms -event-filter event=connect \
-event-filter event=disconnect -notify "nginx -s reload" ${BINARIES}/nginx.tmpl /etc/nginx/conf.d/default.conf`;

const NGINX_PROXY: ProxySetup = {
  name: 'nginx-proxy',
  binaries: ['docker-gen', 'nginx.tmpl'],
  socket: true,
  command: () => ['sh', '-c', NGINX_PROXY_START],
  config: ['nginx-proxy.conf', '/etc/nginx/nginx.conf'],
  // Debian's nginx is older than the directive `http2`.
  environment: () => ({ HTTP_PORT: `${PROXY_PORT}`, DEFAULT_HOST: 'web.test', ENABLE_HTTP2: 'false' }),
  service: (_, host = 'web.test') => ({ environment: { VIRTUAL_HOST: host } }),
};

/** HAProxy without and with a check; nginx that asks the name again, once, and once at each roll. */
export const PROXIES: readonly ProxySetup[] = [
  TRAEFIK,
  CADDY_DOCKER_PROXY,
  NGINX_PROXY,
  haproxy('haproxy-dns', 'haproxy-dns.cfg'),
  haproxy('haproxy-check', 'haproxy-check.cfg'),
  {
    name: 'caddy-health',
    binaries: [],
    command: () => ['caddy', 'run', '--config', '/etc/caddy/Caddyfile'],
    config: ['Caddyfile', '/etc/caddy/Caddyfile'],
  },
  nginx('nginx-resolver', 'nginx-resolver.conf'),
  nginx('nginx-once', 'nginx-once.conf'),
  {
    ...nginx('nginx-hook', 'nginx-once.conf'),
    labels: { 'swapctl.hooks.from': '$COMPOSE_PROJECT_NAME-web-1' },
    service: () => ({ labels: { 'swapctl.on-switch': 'signal HUP $COMPOSE_PROJECT_NAME-proxy-1' } }),
  },
];

function haproxy(name: string, file: string): ProxySetup {
  const target = '/etc/haproxy/haproxy.cfg';
  return { name, binaries: [], command: () => ['haproxy', '-db', '-f', target], config: [file, target] };
}

function nginx(name: string, file: string): ProxySetup {
  return { name, binaries: [], command: () => ['nginx'], config: [file, '/etc/nginx/nginx.conf'] };
}
