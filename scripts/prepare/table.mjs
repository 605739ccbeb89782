// Everything that tests, the demo and the benchmark download from Debian, by name.
import { unpackEngine, unpackFiles, unpackNft } from './unpack.mjs';

const BASE = 'iproute2 procps util-linux mount iptables nftables ca-certificates base-files bash coreutils libc-bin';
const PODMAN = 'podman crun netavark aardvark-dns sed';
const PLUGINS = 'usr/libexec/docker/cli-plugins';

/**
 * `suite` is a Debian suite, or `machine` for the one of this machine; `closure` adds everything that the packages depend on.
 * `make` fills a folder from the .deb files; `path` is where the prepared thing is inside that folder.
 */
export const ENTRIES = {
  // Only unpacked: installing these would start a service (registry, sshd) or push out another busybox.
  tools: files('machine', 'busybox-static docker-registry openssh-server libwrap0 tini'),
  'compose-2.26': files('trixie', 'docker-compose', `${PLUGINS}/docker-compose`),
  'compose-2.40': files('sid', 'docker-compose', `${PLUGINS}/docker-compose`),
  buildx: files('trixie', 'docker-buildx', `${PLUGINS}/docker-buildx`),
  // nginx and the libraries that it is linked to.
  nginx: files('bookworm', 'nginx libc6 libcrypt1 libpcre2-8-0 libssl3 zlib1g'),
  // HAProxy, nginx and Caddy with the libraries that they load.
  proxies: files(
    'bookworm',
    `haproxy nginx caddy libc6 libcap2 libcrypt1 libgcc-s1 libgcrypt20 libgpg-error0 liblua5.3-0 liblz4-1 liblzma5
    libopentracing-c-wrapper0 libopentracing1 libpcre2-8-0 libssl3 libstdc++6 libsystemd0 libzstd1 zlib1g`,
  ),
  'proxies-bookworm': proxies('bookworm'),
  'proxies-trixie': proxies('trixie'),
  'proxies-sid': proxies('sid'),
  'nft-bookworm': nft('bookworm'),
  'nft-trixie': nft('trixie'),
  'nft-sid': nft('sid'),
  'docker-bookworm': engine('bookworm', 'docker.io containerd runc kmod'),
  'docker-trixie': engine('trixie', 'docker.io docker-cli containerd runc kmod'),
  'docker-sid': engine('sid', 'docker.io docker-cli containerd runc kmod'),
  'podman-bookworm': engine('bookworm', PODMAN),
  'podman-trixie': engine('trixie', PODMAN),
  'podman-sid': engine('sid', PODMAN),
};

function files(suite, packages, path = '.') {
  return { suite, packages: packages.split(/\s+/), path, make: unpackFiles };
}

/** HAProxy and nginx of a suite with all that they load, for processes of this machine. */
function proxies(suite) {
  return { suite, packages: ['haproxy', 'nginx', 'libc6'], closure: true, path: '.', make: unpackFiles };
}

/** iptables brings the extensions by which nft prints the rules that iptables-nft has made. */
function nft(suite) {
  return { suite, packages: ['nftables', 'iptables'], closure: true, path: 'bin/nft', make: unpackNft };
}

function engine(suite, packages) {
  return { suite, packages: `${packages} ${BASE}`.split(' '), closure: true, path: 'root', make: unpackEngine };
}
