// Removes what tests, the demo and the benchmark have made on the engine. By hand: `node scripts/leftovers.mjs`.
//
// They clean up after themselves; this is for what a crash or Ctrl-C has left, and for the images that they share.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { engineRequest } from './engine-http.mjs';
import { exitWith, say } from './shell.mjs';

const LABEL = 'swapctl.test';
/** The names that test/lab/world.ts gives: they also find what another program (compose) made without our label. */
const NAME = /^\/?swtest-[0-9a-f]{8}(?![0-9a-f])/;

export async function removeLeftovers() {
  const found = [...(await containers()), ...(await networks()), ...(await volumes())];
  const othersAreBusy = found.some(({ run }) => isOthers(run));
  const mine = found.filter(({ run }) => (run ? !isOthers(run) : !othersAreBusy));
  for (const { remove } of mine) await gone(remove);
  await removeRules(mine.flatMap(({ name }) => name ?? []));
  // The images are shared; a test run beside this one, or a developer in a hurry, still wants them.
  if (!othersAreBusy && process.env.SWAPCTL_TEST_KEEP !== '1') await removeImages();
  return mine.length;
}

/** Everything says which run made it (see world.ts): the id of a process on this machine. */
function isOthers(run) {
  if (!run || run === String(process.pid)) return false;
  try {
    process.kill(Number(run), 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

const ours = (labels, name) => labels?.[LABEL] !== undefined || NAME.test(name);
const leftover = (labels, remove, name) => ({ run: labels?.[`${LABEL}.run`], remove, name });

async function containers() {
  const all = await engineRequest('GET', '/containers/json?all=1');
  return all
    .filter(({ Labels, Names }) => ours(Labels, Names?.[0] ?? ''))
    .map(({ Id, Labels, Names }) => leftover(Labels, `/containers/${Id}?force=1&v=1`, Names?.[0]?.slice(1)));
}

async function networks() {
  const all = await engineRequest('GET', '/networks');
  return all
    .filter(({ Labels, Name }) => ours(Labels, Name))
    .map(({ Id, Labels }) => leftover(Labels, `/networks/${Id}`));
}

async function volumes() {
  const all = (await engineRequest('GET', '/volumes')).Volumes ?? [];
  return all
    .filter(({ Labels, Name }) => ours(Labels, Name))
    .map(({ Name, Labels }) => leftover(Labels, `/volumes/${Name}?force=1`));
}

/** The rules of rolls that were killed: those of our slots, and those that lead to containers of this engine which are gone. */
async function removeRules(names) {
  // Looked at before the containers: a redirect that begins in between is none of theirs.
  const tables = [...(nft('list', 'tables') ?? '').matchAll(/^table (\S+) (\S+)$/gm)];
  const owner = await ownerOfRules();
  const ids = (await engineRequest('GET', '/containers/json?all=1')).map(({ Id }) => Id.slice(0, 12));
  const slots = new Set(names.map((name) => `${coverTable(name.replace(/\.swapctl-.*$/, ''))}-${owner}`));
  for (const [, family, table] of tables) {
    const [, to, of] = /^swapctl-moved-[0-9a-f]{12}-([0-9a-f]{12})-(\S+)$/.exec(table) ?? [];
    if (slots.has(table) || (of === owner && !ids.includes(to))) nft('delete', 'table', family, table);
  }
}

/** As src/adapters/traffic/nftables/nft-kernel.ts names them, before the owner. */
function coverTable(slot) {
  return `swapctl-${hash(slot).slice(0, 32)}`;
}

/** As src/adapters/docker/engine/facts.ts and src/adapters/traffic/owner.ts tell Docker engines apart. */
async function ownerOfRules() {
  const { ID, DockerRootDir } = await engineRequest('GET', '/info');
  return hash(`${ID} ${DockerRootDir}`).slice(0, 8);
}

function hash(text) {
  return createHash('sha256').update(text).digest('hex');
}

/** What nft says; undefined where there is none, or we are not allowed. */
function nft(...args) {
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
  const { status, stdout } = spawnSync('nft', args, { encoding: 'utf8', env });
  return status === 0 ? stdout : undefined;
}

async function removeImages() {
  const all = await engineRequest('GET', '/images/json?all=1');
  const left = new Set(all.filter(({ Labels }) => Labels?.[LABEL] !== undefined).map(({ Id }) => Id));
  // An image goes only after those built on it, and nothing says in which order that is: go round while it helps.
  for (let before = -1; left.size > 0 && left.size !== before; ) {
    before = left.size;
    for (const id of left) if (await gone(`/images/${id}?force=1`)) left.delete(id);
  }
  if (left.size > 0) say(`${left.size} test images are in use and stay`);
}

async function gone(path) {
  try {
    await engineRequest('DELETE', path);
    return true;
  } catch (error) {
    if (error.status === 404) return true;
    if (!path.startsWith('/images/')) say(`could not remove ${path}: ${error.message}`);
    return false;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  exitWith(removeLeftovers().then((count) => say(`removed ${count} containers, networks and volumes of tests`)));
}
