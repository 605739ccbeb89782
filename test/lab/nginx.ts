// nginx in a container, which resolves the names of its servers once.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type Docker from 'dockerode';
import { NGINX_FOLDER, nginxConfig, nginxImage } from '../../bench/nginx.ts';
import type { World } from './world.ts';

/** Starts nginx in a network, in front of servers by name and port. */
export async function startNginx(
  world: World,
  name: string,
  { network, servers }: { network: string; servers: readonly string[] },
): Promise<Docker.Container> {
  const image = await nginxImage(world.docker);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-nginx-'));
  world.after(async () => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(path.join(folder, 'nginx.conf'), nginxConfig(servers));
  const cmd = ['nginx', '-c', `${NGINX_FOLDER}/nginx.conf`];
  const create = { HostConfig: { Binds: [`${folder}:${NGINX_FOLDER}:ro`] } };
  return world.container(name, { image, network, cmd, create });
}
